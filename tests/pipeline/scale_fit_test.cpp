// SPDX-License-Identifier: Apache-2.0
// The exact scale against the alternation, a dense scan of scales, and the winner's codes.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <numeric>

#include "base/random.h"
#include "models/file/model_file.h"
#include "stages/scale_fit.h"

namespace carat {
namespace {

constexpr Granularity kKernel = Granularity::kernel;

std::vector<QuantSpec> every_spec() {
  std::vector<QuantSpec> specs = {QuantSpec::ternary(kKernel), QuantSpec::binary(kKernel)};
  for (int64_t bits = 2; bits <= 8; ++bits)
    for (const Rounding rounding : {Rounding::half_even, Rounding::half_away}) {
      specs.push_back(QuantSpec::symmetric(bits, kKernel, rounding));
      specs.push_back(QuantSpec::full_range(bits, kKernel, rounding));
      specs.push_back(QuantSpec::unsigned_tensor(bits, rounding));
    }
  return specs;
}

// Normal, heavy-tailed, of few values, or shifted.
std::vector<float> random_kernel(Random& random, int64_t longest) {
  const int64_t kind = random.below(4);
  std::vector<float> values(static_cast<size_t>(1 + random.below(longest)));
  for (float& value : values) {
    const double x = random.normal();
    value = static_cast<float>(kind == 0 ? x : kind == 1 ? x * x * x : kind == 2 ? std::round(3.0 * x) : x + 0.5);
  }
  return values;
}

double power_of(std::span<const float> values) {
  double power = 0.0;
  for (const float x : values) power += static_cast<double>(x) * x;
  return power;
}

double code(double x, const QuantSpec& spec) {
  if (spec.encoding() == Encoding::binary) return x == 0.0 ? 0.0 : std::copysign(1.0, x);
  return std::clamp(std::nearbyint(x), static_cast<double>(spec.lowest_code()),
                    static_cast<double>(spec.highest_code()));
}

// The smallest error at the best scale of the codes of each of many scales.
double scanned_error(std::span<const float> values, const QuantSpec& spec) {
  constexpr int kScales = 40000;
  float largest = 0.0F;
  for (const float x : values) largest = std::max(largest, std::abs(x));
  const double power = power_of(values);
  double best = power;
  for (int i = 0; i < kScales; ++i) {
    const double scale = 2.0 * largest * std::pow(1e-3, static_cast<double>(i) / kScales);
    double xq = 0.0;
    double qq = 0.0;
    for (const float x : values) {
      const double q = code(x / scale, spec);
      xq += x * q;
      qq += q * q;
    }
    if (xq > 0.0) best = std::min(best, power - xq * xq / qq);
  }
  return best;
}

TEST(ExactScale, IsNeverWorseThanTheAlternation) {
  const std::vector<QuantSpec> specs = every_spec();
  Random random({1, "test", "kernels", 0});
  int64_t misses = 0;
  for (int64_t i = 0; i < 10000; ++i) {
    const QuantSpec& spec = specs[static_cast<size_t>(i) % specs.size()];
    const std::vector<float> values = random_kernel(random, 150);
    const ScaleFit start = fit_scale_from_many(values, spec);
    const ScaleFit exact = fit_scale_exact(values, spec);
    const double power = power_of(values);
    ASSERT_LE(exact.squared_error, start.squared_error + 1e-12 * power) << i;
    ASSERT_GT(exact.scale, 0.0);
    if (start.squared_error > exact.squared_error + 1e-12 * power) ++misses;
  }
  EXPECT_GT(misses, 0);
  RecordProperty("misses", static_cast<int>(misses));
}

TEST(ExactScale, EqualsADenseScan) {
  Random random({2, "test", "kernels", 0});
  for (const QuantSpec& spec : every_spec())
    for (int round = 0; round < 3; ++round) {
      const std::vector<float> values = random_kernel(random, 12);
      const double exact = fit_scale_exact(values, spec).squared_error;
      const double scanned = scanned_error(values, spec);
      const double power = power_of(values);
      EXPECT_LE(exact, scanned + 1e-12 * power) << spec.bits();
      // Scales that a weight leaves between two points of the scan hide little.
      if (spec.bits() <= 4) EXPECT_NEAR(exact, scanned, 1e-5 * power) << spec.bits();
    }
}

TEST(ExactScale, HasTheErrorThatItSays) {
  Random random({3, "test", "kernels", 0});
  const QuantSpec spec = QuantSpec::full_range(3, kKernel);
  for (int round = 0; round < 50; ++round) {
    const std::vector<float> values = random_kernel(random, 100);
    const ScaleFit fit = fit_scale_exact(values, spec);
    double error = 0.0;
    for (const float x : values) error += std::pow(x - fit.scale * code(x / fit.scale, spec), 2.0);
    EXPECT_NEAR(error, fit.squared_error, 1e-12 * power_of(values));
  }
}

TEST(ExactScale, TakesTheLargestOfEqualScales) {
  const std::vector<float> values = {0.5F, -1.0F, 1.5F, 0.0F, 2.0F};
  EXPECT_NEAR(fit_scale_exact(values, QuantSpec::symmetric(8, kKernel)).scale, 0.5, 1e-12);
  EXPECT_NEAR(fit_scale_exact(values, QuantSpec::full_range(4, kKernel)).scale, 0.5, 1e-12);
  EXPECT_NEAR(fit_scale_exact(std::vector<float>{-8.0F, 1.0F}, QuantSpec::full_range(4, kKernel)).squared_error, 0.0,
              1e-12);
  EXPECT_EQ(fit_scale_exact(std::vector<float>(3, 0.0F), QuantSpec::ternary(kKernel)).scale, 1.0);
  EXPECT_EQ(fit_scale_exact(std::vector<float>{-1.0F, -2.0F}, QuantSpec::unsigned_tensor(4)).squared_error, 5.0);
}

TEST(BinaryScale, IsTheMeanMagnitude) {
  const std::vector<float> values = {0.5F, -1.0F, 0.0F, 1.5F};
  const ScaleFit fit = fit_scale_exact(values, QuantSpec::binary(kKernel));
  EXPECT_NEAR(fit.scale, 1.0, 1e-12);
  EXPECT_NEAR(fit.squared_error, 0.5, 1e-12);
  EXPECT_EQ(code_of(-0.1F, 1.0F, QuantSpec::binary(kKernel)), -1);
  EXPECT_EQ(code_of(0.0F, 1.0F, QuantSpec::binary(kKernel)), 0);
}

// Codes without their common divisor.
std::vector<int64_t> reduced(std::vector<int64_t> codes) {
  int64_t divisor = 0;
  for (const int64_t c : codes) divisor = std::gcd(divisor, c);
  for (int64_t& c : codes) c /= std::max<int64_t>(1, divisor);
  return codes;
}

// The winner's weights are codes times scales, so every kernel has a scale without error; the alternation from the
// largest magnitude stops elsewhere in many. Source: CASIA's published CIFAR-100 entry.
TEST(WinnersKernels, HaveScalesWithoutError) {
  const char* root = std::getenv("CARAT_DATA");
  const std::filesystem::path path =
      std::filesystem::path(root == nullptr ? "" : root) / "entries/casia-cifar100-int8.safetensors";
  if (root == nullptr || !std::filesystem::exists(path)) GTEST_SKIP() << "CARAT_DATA has no published entries";
  const Model model = read_any_model(path.string(), "");
  int64_t kernels = 0;
  int64_t misses = 0;
  for (const std::string& name : model.graph.weight_layers()) {
    const LayerSpec& layer = model.graph.layer(name);
    const Buffer& weights = model.buffer(name + ".weight");
    const size_t size = weights.values.size() / static_cast<size_t>(weights.shape[0]);
    for (size_t k = 0; k < static_cast<size_t>(weights.shape[0]); ++k) {
      const std::span<const float> stored = std::span(weights.values).subspan(k * size, size);
      std::vector<float> values;
      std::vector<int64_t> codes;
      for (const float c : stored) {
        values.push_back(0.0137F * c);
        codes.push_back(static_cast<int64_t>(c));
      }
      const double power = power_of(values);
      if (power == 0.0) continue;
      ++kernels;
      const ScaleFit start = fit_scale(values, *layer.quant);
      const ScaleFit fit = fit_scale_exact(values, *layer.quant, start);
      ASSERT_LE(fit.squared_error, 1e-12 * power) << name << " kernel " << k;
      std::vector<int64_t> found;
      for (const float x : values) found.push_back(code_of(x, static_cast<float>(1.0 / fit.scale), *layer.quant));
      ASSERT_EQ(found, reduced(codes)) << name << " kernel " << k;
      if (start.squared_error > fit.squared_error + 1e-12 * power) ++misses;
    }
  }
  fmt::print("{} kernels, the alternation misses the optimum of {}\n", kernels, misses);
  EXPECT_GT(kernels, 3000);
  EXPECT_GT(misses, 100);
}

}  // namespace
}  // namespace carat
