// SPDX-License-Identifier: Apache-2.0
#include "kernels/convolve_bytes.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "kernels/pack_codes.h"
#include "kernels/scalar/convolution.h"
#include "tests/support/files.h"

namespace carat {
namespace {

struct Problem {
  ByteConvolution c;
  std::vector<uint8_t> x;
  std::vector<int8_t> weights;
  std::vector<uint8_t> packed;
  ConvolutionOperands operands() const { return {x.data(), packed.data()}; }
};

Problem random_problem(int64_t index) {
  Random random({1, "test", "convolve_bytes", index});
  Problem p;
  ByteConvolution& c = p.c;
  Window& w = c.window;
  c.batch = 1 + random.below(3);
  w.groups = 1 + random.below(4);
  w.channels = w.groups * (1 + random.below(9));
  w.out_channels = w.groups * (1 + random.below(20));
  w.kernel = 1 + random.below(4);
  w.stride = 1 + random.below(3);
  w.padding = random.below(w.kernel);
  w.extra_padding = random.below(2);
  w.height = w.kernel + random.below(9);
  w.width = w.kernel + random.below(9);
  c.unsigned_input = random.below(2) == 1;
  c.weight_bits = 2 + random.below(7);
  p.x.resize(static_cast<size_t>(c.batch * w.height * w.width * w.channels));
  for (uint8_t& v : p.x) v = static_cast<uint8_t>(random.below(256));
  const int64_t n = w.out_channels * c.depth();
  std::vector<uint8_t> codes;
  for (int64_t i = 0; i < n; ++i) {
    p.weights.push_back(
        static_cast<int8_t>(random.below(int64_t{1} << c.weight_bits) - (int64_t{1} << (c.weight_bits - 1))));
    codes.push_back(static_cast<uint8_t>(p.weights.back()));
  }
  p.packed.resize(static_cast<size_t>(packed_bytes(n, c.weight_bits)));
  pack_codes(codes.data(), n, c.weight_bits, p.packed.data());
  return p;
}

// The formula of the contract, literally.
std::vector<int32_t> by_formula(const Problem& p) {
  const Window& w = p.c.window;
  const int64_t depth = w.channels / w.groups;
  std::vector<int32_t> sums;
  for (int64_t n = 0; n < p.c.batch; ++n)
    for (int64_t oy = 0; oy < w.out_height(); ++oy)
      for (int64_t ox = 0; ox < w.out_width(); ++ox)
        for (int64_t k = 0; k < w.out_channels; ++k) {
          int64_t sum = 0;
          for (int64_t r = 0; r < w.kernel; ++r)
            for (int64_t s = 0; s < w.kernel; ++s)
              for (int64_t c = 0; c < depth; ++c) {
                const int64_t y = oy * w.stride + r - w.padding;
                const int64_t x = ox * w.stride + s - w.padding;
                if (y < 0 || y >= w.height || x < 0 || x >= w.width) continue;
                const int64_t channel = k / (w.out_channels / w.groups) * depth + c;
                const uint8_t byte =
                    p.x[static_cast<size_t>(((n * w.height + y) * w.width + x) * w.channels + channel)];
                const int64_t value = p.c.unsigned_input ? byte : static_cast<int8_t>(byte);
                sum += value * p.weights[static_cast<size_t>(((k * w.kernel + r) * w.kernel + s) * depth + c)];
              }
          sums.push_back(static_cast<int32_t>(sum));
        }
  return sums;
}

// Every block and thread of the direct CUDA kernel, with its shared tile and barriers.
template <typename Store>
void run_grid(const Problem& p, const Store& store) {
  const scalar::DirectConvolution c = scalar::direct_convolution(p.operands(), p.c);
  for (int block = 0; block < scalar::convolution_blocks(p.c); ++block) {
    std::vector<std::vector<int>> acc(scalar::kConvolutionThreads, std::vector<int>(scalar::kOwnPixels, 0));
    for (int first = 0; first < c.depth; first += scalar::kChunk) {
      alignas(16) int8_t tile[scalar::kTileKernels * scalar::kChunkStride];
      std::fill(std::begin(tile), std::end(tile), int8_t{99});
      for (int thread = 0; thread < scalar::kConvolutionThreads; ++thread)
        scalar::load_weights(c, block, thread, first, tile);
      for (int thread = 0; thread < scalar::kConvolutionThreads; ++thread) {
        scalar::Corner corners[scalar::kOwnPixels];
        scalar::own_corners(c, block, thread, corners);
        scalar::accumulate(c, corners, tile + thread % scalar::kTileKernels * scalar::kChunkStride, first,
                           acc[static_cast<size_t>(thread)].data());
      }
    }
    for (int thread = 0; thread < scalar::kConvolutionThreads; ++thread)
      scalar::store_own(c, block, thread, acc[static_cast<size_t>(thread)].data(), store);
  }
}

TEST(ConvolveBytes, SpecificationAndCudaGridEqualTheFormula) {
  for (int64_t index = 0; index < 150; ++index) {
    const Problem p = random_problem(index);
    const std::vector<int32_t> expected = by_formula(p);
    std::vector<int32_t> acc(expected.size(), -1);
    convolve_bytes(p.operands(), p.c, acc.data());
    ASSERT_EQ(acc, expected) << index;
    std::fill(acc.begin(), acc.end(), -1);
    run_grid(p, scalar::StoreSums{acc.data()});
    ASSERT_EQ(acc, expected) << index;
  }
}

TEST(ConvolveBytes, EpilogueRoundsTwiceThenToCodes) {
  for (int64_t index = 0; index < 30; ++index) {
    const Problem p = random_problem(index);
    const std::vector<int32_t> sums = by_formula(p);
    Random random({1, "test", "epilogue", index});
    std::vector<float> pairs;
    for (int64_t k = 0; k < p.c.window.out_channels; ++k) {
      pairs.push_back(static_cast<float>(random.uniform() * 0.05));
      pairs.push_back(static_cast<float>(random.normal()));
    }
    const ScaleEpilogue epilogue = {pairs.data(), {-31, 31}};
    std::vector<uint8_t> expected;
    for (size_t i = 0; i < sums.size(); ++i) {
      const size_t k = i % static_cast<size_t>(p.c.window.out_channels);
      const float product = pairs[2 * k] * static_cast<float>(sums[i]);
      const float y = product + pairs[2 * k + 1];
      expected.push_back(
          static_cast<uint8_t>(static_cast<int>(std::fmin(std::fmax(std::nearbyint(y), -31.0F), 31.0F))));
    }
    std::vector<uint8_t> codes(expected.size());
    convolve_bytes_scaled(p.operands(), p.c, epilogue, codes.data());
    ASSERT_EQ(codes, expected) << index;
    std::fill(codes.begin(), codes.end(), uint8_t{99});
    run_grid(p, scalar::StoreCodes{epilogue, codes.data()});
    ASSERT_EQ(codes, expected) << index;
  }
}

TEST(ConvolveBytes, CodesByFewInstructionsAreTheSame) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  std::vector<std::pair<float, float>> pairs = {{0.5F, 0.0F},    {1.0F, 0.5F},   {0.25F, -0.25F},  {1.0F, 0.49999997F},
                                                {nan, 0.0F},     {1.0F, nan},    {infinity, 1.0F}, {-1e30F, 3.0F},
                                                {1e-40F, -0.5F}, {0.0F, 254.5F}, {-0.5F, 127.5F},  {1e38F, -infinity}};
  Random random({1, "test", "bytes", 0});
  for (int i = 0; i < 200; ++i)
    pairs.emplace_back(static_cast<float>(random.normal()), static_cast<float>(20.0 * random.normal()));
  for (const auto& [lowest, highest] : {std::pair{-127.0F, 127.0F},
                                        {-128.0F, 127.0F},
                                        {0.0F, 255.0F},
                                        {0.0F, 15.0F},
                                        {3.0F, 9.0F},
                                        {-4095.0F, 4095.0F}}) {
    const CodeGrid even = {lowest, highest};
    const CodeGrid away = {lowest, highest, CodeRounding::half_away};
    for (const auto& [k, b] : pairs)
      for (const int acc :
           {-2147483647 - 1, -16777217, -300, -3, -2, -1, 0, 1, 2, 3, 254, 255, 511, 16777219, 2147483647}) {
        ASSERT_EQ(scalar::scaled_byte_half_even(acc, k, b, lowest, highest), scalar::scaled_byte(acc, k, b, even))
            << acc << ' ' << k << ' ' << b << ' ' << lowest;
        ASSERT_EQ(scalar::scaled_byte_half_away(acc, k, b, lowest, highest), scalar::scaled_byte(acc, k, b, away))
            << acc << ' ' << k << ' ' << b << ' ' << lowest;
      }
  }
}

TEST(ConvolveBytes, FilledChannelsAreZeroAndWeightsUnpacked) {
  for (int64_t index = 0; index < 20; ++index) {
    const Problem p = random_problem(index);
    const int64_t channels = p.c.window.channels / p.c.window.groups;
    const auto rows = static_cast<int64_t>(p.weights.size()) / channels;
    std::vector<uint8_t> filled(static_cast<size_t>(rows * 16), 99);
    scalar::run_on_cpu(scalar::FillChannels{p.packed.data(), static_cast<int>(p.c.weight_bits),
                                            static_cast<uint32_t>(channels), scalar::divisor_of(16), filled.data()},
                       rows * 16);
    for (int64_t i = 0; i < rows * 16; ++i) {
      const int8_t expected =
          i % 16 < channels ? p.weights[static_cast<size_t>(i / 16 * channels + i % 16)] : int8_t{0};
      ASSERT_EQ(static_cast<int8_t>(filled[static_cast<size_t>(i)]), expected);
    }
  }
}

TEST(ConvolveBytes, BadShapesAreRefused) {
  ByteConvolution c;
  c.window.groups = 2;
  EXPECT_EQ(message_of([&] { check_convolution(c); }),
            "convolve_bytes: expected groups that divide 1 and 1 channels, got 2");
  c.window = {.channels = 65537};
  EXPECT_EQ(message_of([&] { check_convolution(c); }),
            "convolve_bytes: expected at most 65536 weights a kernel, got 65537");
  c.window = {.kernel = 3};
  EXPECT_EQ(message_of([&] { check_convolution(c); }),
            "convolve_bytes: expected an image of 3 or more with its padding, got 1 x 1");
  c.window = {};
  c.weight_bits = 9;
  EXPECT_EQ(message_of([&] { check_convolution(c); }), "convolve_bytes: expected weights of 2 to 8 bits, got 9");
}

}  // namespace
}  // namespace carat
