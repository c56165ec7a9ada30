// SPDX-License-Identifier: Apache-2.0
// The benchmark scale_fit: seconds to fit the scales of 1,048,320 normal weights in kernels of 576.
//   fit_scales [THREADS [BITS...]]   one JSON line per width; ours = the exact optimum, peer = the alternation
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/random.h"
#include "stages/quantize_weights.h"

namespace {

// The least of a few rounds.
double seconds_of(const carat::WeightTensor& weights, const carat::QuantSpec& spec, bool alternating, int64_t* misses) {
  constexpr int kRounds = 3;
  double best = 1e9;
  for (int round = 0; round < kRounds; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    const std::vector<carat::WeightScale> scales = carat::fit_weight_scales(weights, spec, alternating);
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    *misses = 0;
    for (const carat::WeightScale& scale : scales) *misses += scale.is_miss() ? 1 : 0;
  }
  return best;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr int64_t kKernels = 1820;
  constexpr int64_t kSize = 576;
  if (argc > 1) setenv("CARAT_THREADS", argv[1], 1);
  std::vector<int64_t> widths;
  for (int i = 2; i < argc; ++i) widths.push_back(std::atoll(argv[i]));
  if (widths.empty()) widths = {2, 4, 8};
  std::vector<float> values(kKernels * kSize);
  carat::Random random({1, "bench", "weights", 0});
  for (float& value : values) value = static_cast<float>(random.normal());
  for (const int64_t bits : widths) {
    if (bits < 2 || bits > 8) {
      std::fprintf(stderr, "fit_scales: expected 2 to 8 bits, got %lld\n", static_cast<long long>(bits));
      return 2;
    }
    const auto spec = carat::QuantSpec::symmetric(bits, carat::Granularity::kernel);
    int64_t misses = 0;
    const double alternating = seconds_of({values, {}, kKernels}, spec, true, &misses);
    const double exact = seconds_of({values, {}, kKernels}, spec, false, &misses);
    std::printf(
        "{\"name\": \"scale_fit\", \"ours\": %.4f, \"peer\": %.4f, \"ratio\": %.3f, \"unit\": \"s\", \"conditions\": "
        "\"%lld bits, %lld kernels of %lld, peer the alternation, which misses the optimum of %lld, %s threads\"}\n",
        exact, alternating, alternating / exact, static_cast<long long>(bits), static_cast<long long>(kKernels),
        static_cast<long long>(kSize), static_cast<long long>(misses), argc > 1 ? argv[1] : "all");
  }
  return 0;
}
