// SPDX-License-Identifier: Apache-2.0
#include "kernels/fake_quant.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/random.h"
#include "kernels/scalar/fake_quant.h"
#include "tests/support/files.h"

namespace carat {
namespace {

TEST(RandomBits, AreSplitMix64ByIndex) {
  // The sequence of seed 1234567, from the authors' reference program.
  const std::vector<uint64_t> expected = {6457827717110365317ULL, 3203168211198807973ULL, 9817491932198370423ULL,
                                          4593380528125082431ULL, 16408922859458223821ULL};
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(scalar::random_bits(1234567, i), expected[i]);
}

TEST(Divisor, IsExactAroundMultiplesAndAtTheEnds) {
  constexpr int64_t kEnd = int64_t{1} << 31;
  Random random({1, "test", "divisor", 0});
  for (int round = 0; round < 3000; ++round) {
    const int64_t d = round < 1100 ? round + 1 : std::max<int64_t>(1, random.below(kEnd) >> random.below(31));
    const scalar::Divisor divisor = scalar::divisor_of(d);
    const auto check = [&](int64_t n) {
      if (n < 0 || n >= kEnd) return;
      ASSERT_EQ(divisor.quotient(static_cast<uint32_t>(n)), n / d) << n << " / " << d;
    };
    for (const int64_t n : {int64_t{0}, int64_t{1}, kEnd - 1, kEnd - 2}) check(n);
    for (int i = 0; i < 40; ++i) {
      const int64_t multiple = random.below(kEnd / d + 1) * d;
      for (const int64_t n : {multiple - 1, multiple, multiple + 1, random.below(kEnd)}) check(n);
    }
    check((kEnd - 1) / d * d - 1);
    check((kEnd - 1) / d * d);
  }
}

TEST(FakeQuantize, ByHandPerKernel) {
  const std::vector<float> x = {0.24F, 0.26F, -9.0F, 1.5F, 0.0F, -1.0F};
  const std::vector<float> scales = {0.5F, 2.0F};
  const std::vector<float> inverse = {2.0F, 0.5F};
  std::vector<float> values(6);
  std::vector<uint8_t> inside(6);
  fake_quantize(x.data(), 6, {{inverse.data(), 2}, {scales.data(), 2}}, {-3, 3}, {values.data(), inside.data()});
  EXPECT_EQ(values, (std::vector<float>{0.0F, 0.5F, -1.5F, 2.0F, 0.0F, 0.0F}));
  EXPECT_EQ(inside, (std::vector<uint8_t>{1, 1, 0, 1, 1, 1}));
  std::vector<float> codes(6);
  scaled_codes(x.data(), 6, {inverse.data(), 2}, {-3, 3, CodeRounding::half_away}, codes.data());
  EXPECT_EQ(codes, (std::vector<float>{0, 1, -3, 1, 0, -1}));
  std::vector<uint8_t> bytes(6);
  scaled_bytes(x.data(), 6, {inverse.data(), 2}, {-3, 3, CodeRounding::half_away}, bytes.data());
  EXPECT_EQ(bytes, (std::vector<uint8_t>{0, 1, 253, 1, 0, 255}));
  const std::vector<float> g = {1, 2, 3, 4, 5, 6};
  std::vector<float> dx(6);
  straight_through({g.data(), x.data(), dx.data()}, 6, {inverse.data(), 2}, {-3, 3});
  EXPECT_EQ(dx, (std::vector<float>{2, 4, 0, 2, 2.5F, 3}));
  std::vector<float> back(6);
  dequantize_codes(codes.data(), 6, {scales.data(), 2}, back.data());
  EXPECT_EQ(back, (std::vector<float>{0, 0.5F, -1.5F, 2, 0, -2}));
}

TEST(FakeQuantize, StochasticRoundingIsUnbiasedAndByIndex) {
  constexpr int64_t kCount = 100000;
  for (const float value : {0.25F, -1.75F, 2.0F, 0.999F}) {
    const std::vector<float> x(kCount, value);
    std::vector<float> codes(kCount);
    const float one = 1.0F;
    scaled_codes(x.data(), kCount, {&one, 1}, {-7, 7, CodeRounding::stochastic, 17}, codes.data());
    double sum = 0.0;
    for (const float code : codes) {
      ASSERT_TRUE(code == std::floor(value) || code == std::ceil(value));
      sum += static_cast<double>(code);
    }
    // Five standard deviations of a coin.
    EXPECT_NEAR(sum / kCount, static_cast<double>(value), 5 * 0.5 / std::sqrt(static_cast<double>(kCount)));
    std::vector<float> again(kCount);
    scaled_codes(x.data(), kCount, {&one, 1}, {-7, 7, CodeRounding::stochastic, 17}, again.data());
    EXPECT_EQ(again, codes);
    scaled_codes(x.data(), kCount, {&one, 1}, {-7, 7, CodeRounding::stochastic, 18}, again.data());
    EXPECT_EQ(again == codes, value == 2.0F);
  }
}

TEST(FakeQuantize, NanStaysOneNan) {
  const float nan = -std::numeric_limits<float>::quiet_NaN();
  const float one = 1.0F;
  float value = 0.0F;
  uint8_t inside = 1;
  fake_quantize(&nan, 1, {{&one, 1}, {&one, 1}}, {-3, 3}, {&value, &inside});
  EXPECT_EQ(scalar::bits_of(value), 0x7FC00000U);
  EXPECT_EQ(inside, 0);
}

TEST(FakeQuantize, ScalesMustDivide) {
  const std::vector<float> x(7);
  std::vector<float> y(7);
  EXPECT_EQ(message_of([&] {
              scaled_codes(x.data(), 7, {x.data(), 2}, {-3, 3}, y.data());
            }),
            "scaled_codes: expected a number of scales that divides 7 numbers, got 2");
}

// Visits every block and thread of a CUDA grid, as the device would.
template <typename Operation>
void run_grid(const Operation& operation, int64_t n) {
  for (int64_t block = 0; block < scalar::element_blocks(n); ++block)
    for (int thread = 0; thread < scalar::kElementThreads; ++thread) scalar::run_elements(operation, n, block, thread);
}

struct Count {
  int* visits;
  using Loaded = int;
  int load(int64_t i) const { return visits[i]; }
  void store(int64_t i, int loaded) const { visits[i] = loaded + 1; }
};

TEST(ElementGrid, OwnsEveryElementOnce) {
  for (const int64_t n : {1, 31, 32, 33, 255, 256, 257, 1023, 1024, 1025, 5000}) {
    std::vector<int> visits(static_cast<size_t>(n), 0);
    run_grid(Count{visits.data()}, n);
    EXPECT_EQ(visits, std::vector<int>(static_cast<size_t>(n), 1)) << n;
  }
}

TEST(ElementGrid, FindsTheScaleOfEveryKernel) {
  for (const int64_t size : {1, 9, 25, 576, 1031}) {
    constexpr int64_t kKernels = 13;
    const int64_t n = kKernels * size;
    std::vector<float> x(static_cast<size_t>(n), 1.0F);
    std::vector<float> scales;
    for (int64_t k = 0; k < kKernels; ++k) scales.push_back(static_cast<float>(k));
    std::vector<float> codes(x.size(), -1.0F);
    run_grid(
        scalar::ScaledCodes{x.data(), scalar::scales_of("test", {scales.data(), kKernels}, n), {-99, 99}, codes.data()},
        n);
    for (int64_t i = 0; i < n; ++i) ASSERT_EQ(codes[static_cast<size_t>(i)], static_cast<float>(i / size));
    const scalar::ScaleChannels scale = {x.data(), scalar::divisor_of(size), scales.data(), scales.data(),
                                         codes.data()};
    run_grid(scale, n);
    for (int64_t i = 0; i < n; ++i) ASSERT_EQ(codes[static_cast<size_t>(i)], static_cast<float>(i / size * 2));
  }
}

}  // namespace
}  // namespace carat
