// SPDX-License-Identifier: Apache-2.0
// The benchmark pack_codes: packing and unpacking against memcpy of as many bytes as there are codes, one thread.
//   pack_codes [BITS...]   one JSON line per width and size; ours = the slower direction
#include "kernels/pack_codes.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

// Seconds of one call: the least of several rounds over 64 MiB of codes.
template <typename Work>
double seconds_of(int64_t n, const Work& work) {
  constexpr int kRounds = 9;
  const int64_t calls = std::max<int64_t>(1, (int64_t{64} << 20) / n);
  double best = 1e9;
  for (int round = 0; round < kRounds; ++round) {
    const auto begin = Clock::now();
    for (int64_t call = 0; call < calls; ++call) {
      work();
      asm volatile("" ::: "memory");
    }
    best = std::min(best, std::chrono::duration<double>(Clock::now() - begin).count() / static_cast<double>(calls));
  }
  return best;
}

void measure(int64_t n, int64_t bits) {
  std::vector<uint8_t> codes(static_cast<size_t>(n), 5);
  std::vector<uint8_t> stream(codes.size());
  std::vector<uint8_t> back(codes.size());
  const double copy = seconds_of(n, [&] { std::memcpy(back.data(), codes.data(), codes.size()); });
  const double pack = seconds_of(n, [&] { carat::pack_codes(codes.data(), n, bits, stream.data()); });
  const double unpack = seconds_of(n, [&] { carat::unpack_codes(stream.data(), n, {bits, true}, back.data()); });
  const double rate = static_cast<double>(n) * 1e-9;
  std::printf(
      "{\"name\": \"pack_codes\", \"ours\": %.2f, \"peer\": %.2f, \"ratio\": %.3f, \"unit\": \"GB/s of codes\", "
      "\"conditions\": \"%lld bits, %lld codes, pack %.2f, unpack %.2f, peer memcpy, one thread\"}\n",
      rate / std::max(pack, unpack), rate / copy, copy / std::max(pack, unpack), static_cast<long long>(bits),
      static_cast<long long>(n), rate / pack, rate / unpack);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<int64_t> widths;
  for (int i = 1; i < argc; ++i) widths.push_back(std::atoll(argv[i]));
  if (widths.empty()) widths = {4};
  for (const int64_t bits : widths) {
    if (bits < 1 || bits > 8) {
      std::fprintf(stderr, "pack_codes: expected 1 to 8 bits, got %lld\n", static_cast<long long>(bits));
      return 2;
    }
    for (const int64_t n : {int64_t{32} << 10, int64_t{1} << 20, int64_t{64} << 20}) measure(n, bits);
  }
  return 0;
}
