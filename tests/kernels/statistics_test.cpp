// SPDX-License-Identifier: Apache-2.0
#include "kernels/statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/random.h"
#include "kernels/fit_scales.h"
#include "kernels/scalar/fit_scales.h"
#include "tests/support/files.h"

namespace carat {
namespace {

std::vector<float> sample(int64_t n, int64_t index) {
  Random random({1, "test", "statistics", index});
  std::vector<float> values;
  for (int64_t i = 0; i < n; ++i) values.push_back(static_cast<float>(random.normal()));
  return values;
}

TEST(Extremes, LeaveNanOut) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> x = {nan, -0.0F, 3.0F, -2.0F, nan};
  Extremes result = {};
  extremes(x.data(), 5, &result);
  EXPECT_EQ(result.lowest, -2.0F);
  EXPECT_EQ(result.highest, 3.0F);
  extremes(x.data(), 2, &result);
  EXPECT_FALSE(std::signbit(result.lowest));
  extremes(x.data(), 0, &result);
  EXPECT_EQ(result.lowest, std::numeric_limits<float>::infinity());
  EXPECT_EQ(result.highest, -std::numeric_limits<float>::infinity());
}

TEST(Histogram, CountsAndQuantiles) {
  const std::vector<float> x = {-5.0F, 0.0F, 0.5F, 0.99F, 1.0F, 3.99F, 4.0F, 77.0F, std::nanf("")};
  std::vector<uint64_t> counts(4);
  const HistogramBins bins = {0.0F, 4.0F, 4};
  histogram(x.data(), 9, bins, counts.data());
  EXPECT_EQ(counts, (std::vector<uint64_t>{4, 1, 0, 3}));
  float edge = 0.0F;
  for (const auto& [share, expected] :
       std::vector<std::pair<double, float>>{{0.0, 1}, {0.5, 1}, {0.51, 2}, {0.625, 2}, {0.63, 4}, {1.0, 4}}) {
    quantile(counts.data(), bins, share, &edge);
    EXPECT_EQ(edge, expected) << share;
  }
  const std::vector<uint64_t> none(4);
  quantile(none.data(), bins, 0.5, &edge);
  EXPECT_EQ(edge, 0.0F);
  EXPECT_EQ(message_of([&] {
              histogram(x.data(), 9, {1, 1, 4}, counts.data());
            }),
            "histogram: expected lowest < highest, got 1 and 1");
  EXPECT_EQ(message_of([&] {
              histogram(x.data(), 9, {0, 1, 5000}, counts.data());
            }),
            "histogram: expected 1 to 4096 bins, got 5000");
}

TEST(KthMagnitude, EqualsSorting) {
  for (int64_t n : {1, 2, 17, 1000}) {
    std::vector<float> x = sample(n, n);
    for (size_t i = 0; i < x.size(); i += 3) x[i] = std::round(x[i]);  // equal ones
    std::vector<float> sorted = x;
    std::sort(sorted.begin(), sorted.end(), [](float a, float b) { return std::abs(a) > std::abs(b); });
    for (int64_t k = 1; k <= n; k += 1 + n / 37) {
      float result = -1.0F;
      kth_magnitude(x.data(), n, k, &result);
      ASSERT_EQ(result, std::abs(sorted[static_cast<size_t>(k - 1)])) << k << " of " << n;
      std::vector<uint8_t> mask(x.size());
      threshold_mask(x.data(), n, &result, mask.data());
      ASSERT_GE(std::count(mask.begin(), mask.end(), 1), k);
    }
  }
  float result = 0.0F;
  EXPECT_EQ(message_of([&] { kth_magnitude(&result, 1, 2, &result); }), "kth_magnitude: expected k from 1 to 1, got 2");
}

// The least squares on its own terms: the scale is optimal for its codes, and the codes for the scale.
TEST(FitScales, EndAtAFixedPoint) {
  constexpr int64_t kKernels = 5;
  for (const int64_t size : {1, 9, 255, 256, 257, 5000}) {
    std::vector<float> weights = sample(kKernels * size, 100 + size);
    std::fill_n(weights.begin(), size, 0.0F);
    std::vector<uint8_t> kept(weights.size(), 1);
    for (size_t i = 0; i < kept.size(); i += 2) kept[i] = 0;
    std::vector<double> scales(kKernels);
    std::vector<double> errors(kKernels);
    fit_scales({weights.data(), kept.data(), kKernels, size}, {-7, 7}, {scales.data(), errors.data()});
    EXPECT_EQ(scales[0], 1.0);
    EXPECT_EQ(errors[0], 0.0);
    for (int64_t k = 1; k < kKernels; ++k) {
      const double scale = scales[static_cast<size_t>(k)];
      double wq = 0.0;
      double qq = 0.0;
      double error = 0.0;
      for (int64_t i = k * size; i < (k + 1) * size; ++i) {
        if (kept[static_cast<size_t>(i)] == 0) continue;
        const double w = static_cast<double>(weights[static_cast<size_t>(i)]);
        const double q = std::clamp(std::nearbyint(w / scale), -7.0, 7.0);
        wq += w * q;
        qq += q * q;
        error += (w - scale * q) * (w - scale * q);
      }
      if (qq == 0.0) continue;
      EXPECT_NEAR(scale, wq / qq, 1e-12 * scale) << size;
      EXPECT_NEAR(errors[static_cast<size_t>(k)], error, 1e-9 * (1.0 + error));
    }
  }
}

TEST(FitScales, LanesAddInTheOrderThatIsWritten) {
  const std::vector<float> weights = sample(1000, 7);
  const scalar::FitProblem problem = {weights.data(), nullptr, 1000, {-7, 7}};
  double expected = 0.0;
  for (const int64_t i : {3, 259, 515, 771}) {
    const double code =
        std::clamp(std::nearbyint(static_cast<double>(weights[static_cast<size_t>(i)]) / 0.3), -7.0, 7.0);
    expected += static_cast<double>(weights[static_cast<size_t>(i)]) * code;
  }
  EXPECT_EQ(scalar::lane_sums(problem, 0.3, 3).wq, expected);
}

TEST(FitScales, StochasticRoundingIsRefused) {
  EXPECT_EQ(message_of([] {
              fit_scales({}, {-7, 7, CodeRounding::stochastic}, {});
            }),
            "fit_scales: expected half_even or half_away, got stochastic");
}

}  // namespace
}  // namespace carat
