// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <numeric>

#include "base/random.h"
#include "kernels/convolve_codes.h"
#include "kernels/device.h"
#include "kernels/every_second.h"
#include "kernels/float_ops.h"
#include "kernels/quantize.h"
#include "kernels/scale_channels.h"
#include "kernels/sparse_sums.h"
#include "kernels/unary_row.h"
#include "tests/support/files.h"

namespace carat {
namespace {

TEST(Quantize, TiesAndClamps) {
  const std::vector<float> x = {-0.5F, 0.5F, 1.5F, 2.5F, -1.5F, 99.0F, -99.0F, 0.49999997F};
  std::vector<float> codes(x.size());
  quantize_codes(x.data(), 8, {-7, 7, false}, codes.data());
  EXPECT_EQ(codes, (std::vector<float>{0, 0, 2, 2, -2, 7, -7, 0}));
  quantize_codes(x.data(), 7, {-7, 7, true}, codes.data());
  EXPECT_EQ(codes, (std::vector<float>{-1, 1, 2, 3, -2, 7, -7, 0}));
}

TEST(Scale, RoundsTwiceAndNeverFuses) {
  // k * x = 1 + 2^-11 + 2^-24 rounds to 1 + 2^-11; a fused multiply-add would keep 2^-24.
  const float k = 1.0F + 0x1.0p-12F;
  const float x = 1.0F + 0x1.0p-12F;
  const float b = -(1.0F + 0x1.0p-11F);
  float y = -1.0F;
  scale_channels(&x, 1, 1, &k, &b, &y);
  EXPECT_EQ(y, 0.0F);
}

TEST(ConvolveCodes, EqualsTheFormula) {
  Random random({1, "test", "conv", 0});
  for (int round = 0; round < 60; ++round) {
    Window w;
    w.groups = 1 + random.below(3);
    w.channels = w.groups * (1 + random.below(4));
    w.out_channels = w.groups * (1 + random.below(3));
    w.kernel = 1 + random.below(4);
    w.stride = 1 + random.below(3);
    w.padding = random.below(w.kernel);
    w.height = w.kernel + random.below(9);
    w.width = w.kernel + random.below(33);
    const int64_t depth = w.channels / w.groups;
    std::vector<float> x(static_cast<size_t>(w.channels * w.height * w.width));
    std::vector<float> weights(static_cast<size_t>(w.out_channels * depth * w.kernel * w.kernel));
    for (float& v : x) v = static_cast<float>(random.below(256));
    for (float& v : weights) v = static_cast<float>(random.below(3) == 0 ? random.below(15) - 7 : 0);
    std::vector<int32_t> acc(static_cast<size_t>(w.out_channels * w.out_height() * w.out_width()));
    const SparseKernels sparse = sparse_kernels(weights.data(), w);
    convolve_codes(x.data(), sparse, w, acc.data());
    size_t at = 0;
    for (int64_t k = 0; k < w.out_channels; ++k)
      for (int64_t oy = 0; oy < w.out_height(); ++oy)
        for (int64_t ox = 0; ox < w.out_width(); ++ox) {
          int64_t sum = 0;
          for (int64_t c = 0; c < depth; ++c)
            for (int64_t r = 0; r < w.kernel; ++r)
              for (int64_t s = 0; s < w.kernel; ++s) {
                const int64_t y = oy * w.stride + r - w.padding;
                const int64_t i = ox * w.stride + s - w.padding;
                if (y < 0 || y >= w.height || i < 0 || i >= w.width) continue;
                const int64_t channel = k / (w.out_channels / w.groups) * depth + c;
                sum += static_cast<int64_t>(
                           weights[static_cast<size_t>(((k * depth + c) * w.kernel + r) * w.kernel + s)]) *
                       static_cast<int64_t>(x[static_cast<size_t>((channel * w.height + y) * w.width + i)]);
              }
          ASSERT_EQ(acc[at++], sum);
        }
  }
}

TEST(UnaryRow, EqualsTheSpecificationBitForBit) {
  std::vector<float> x = {0.0F, -0.0F, 87.0F, -87.0F, 88.0F, -88.5F, 3.0F, -3.0F, 6.0F, 1e-30F, 1e30F, -1e30F};
  Random random({2, "test", "unary", 0});
  for (int i = 0; i < 200000; ++i) x.push_back(static_cast<float>(random.normal() * (i % 3 == 0 ? 40.0 : 3.0)));
  std::vector<float> expected(x.size());
  std::vector<float> got(x.size());
  for (const Unary op :
       {Unary::relu, Unary::relu6, Unary::swish, Unary::hard_swish, Unary::sigmoid, Unary::hard_sigmoid}) {
    apply_unary(op, x.data(), static_cast<int64_t>(x.size()), expected.data());
    unary_row(op, x.data(), static_cast<int64_t>(x.size()), got.data());
    for (size_t i = 0; i < x.size(); ++i)
      ASSERT_EQ(std::bit_cast<uint32_t>(got[i]), std::bit_cast<uint32_t>(expected[i]))
          << static_cast<int>(op) << " of " << x[i];
  }
}

TEST(EverySecond, TakesThemRowByRow) {
  constexpr int64_t kRow = 75;
  std::vector<int16_t> x(kRow * 40 + kSumSlack);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<int16_t>(i);
  for (int64_t n = 1; n <= 37; ++n)
    for (const int64_t to_row : {n, n + 3}) {
      std::vector<int16_t> y(static_cast<size_t>(40 * to_row + kSumSlack));
      every_second(x.data() + 1, kRow, 40, n, y.data(), to_row);
      for (int64_t i = 0; i < 40; ++i)
        for (int64_t j = 0; j < to_row; ++j)
          ASSERT_EQ(y[static_cast<size_t>(i * to_row + j)], j < n ? 1 + i * kRow + 2 * j : 0);
    }
}

TEST(FloatOps, PoolsByHand) {
  const std::vector<float> x = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  const Window w{.channels = 1, .height = 3, .width = 3, .kernel = 2, .stride = 2, .padding = 1};
  std::vector<float> y(4);
  avg_pool(x.data(), w, y.data());
  EXPECT_EQ(y, (std::vector<float>{0.25F, 1.25F, 2.75F, 7.0F}));
  const std::vector<float> negative = {-1, -2, -3, -4, -5, -6, -7, -8, -9};
  max_pool(negative.data(), w, y.data());
  EXPECT_EQ(y, (std::vector<float>{-1, -2, -4, -5}));
  global_avg_pool(x.data(), 1, 9, y.data());
  EXPECT_FLOAT_EQ(y[0], 5.0F);
}

// Units in the last place of a float32 near `exact`.
double ulps(float got, double exact) { return std::fabs(got - exact) / std::ldexp(1.0, std::ilogb(exact) - 23); }

TEST(FloatOps, ExpIsAccurate) {
  for (float x = -87.0F; x < 87.0F; x += 0.00137F) {
    const double exact = std::exp(static_cast<double>(x));
    const double logistic = 1.0 / (1.0 + 1.0 / exact);
    float got = 0.0F;
    EXPECT_LE(ulps(specified_exp(x), exact), 0.9) << x;
    apply_unary(Unary::sigmoid, &x, 1, &got);
    EXPECT_LE(ulps(got, logistic), 2.5) << x;
    apply_unary(Unary::swish, &x, 1, &got);
    EXPECT_LE(ulps(got, x * logistic), 2.5) << x;
  }
  EXPECT_EQ(specified_exp(-1000.0F), specified_exp(-87.0F));
  EXPECT_EQ(specified_exp(1000.0F), specified_exp(87.0F));
  EXPECT_EQ(specified_exp(0.0F), 1.0F);
  const std::vector<float> x = {-4.0F, -1.0F, 0.0F, 7.0F};
  std::vector<float> y(4);
  apply_unary(Unary::hard_swish, x.data(), 4, y.data());
  EXPECT_EQ(y, (std::vector<float>{0.0F, -1.0F * 2.0F / 6.0F, 0.0F, 7.0F}));
}

#ifndef CARAT_HAS_CUDA
TEST(Cuda, StubsSayWhatIsMissing) {
  EXPECT_EQ(cuda_device_count(), 0);
  EXPECT_EQ(message_of([] {
              quantize_codes_cuda(nullptr, 1, {0, 1, false}, nullptr, nullptr);
            }),
            "this build has no CUDA kernels: nvcc was not found when it was configured");
}
#endif

}  // namespace
}  // namespace carat
