// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "base/fail.h"
#include "kernels/convolve_bytes.h"
#include "kernels/pack_codes.h"
#include "kernels/scalar/convolution.h"

namespace carat {
namespace {

constexpr int64_t kTooMany = int64_t{1} << 31;

template <typename Input>
int32_t sum_at(const Input* image, const int8_t* kernel, const Window& w, int64_t y, int64_t x) {
  const int64_t depth = w.channels / w.groups;
  int32_t sum = 0;
  for (int64_t r = 0; r < w.kernel; ++r) {
    const int64_t row = y * w.stride + r - w.padding;
    for (int64_t s = 0; s < w.kernel; ++s, kernel += depth) {
      const int64_t column = x * w.stride + s - w.padding;
      if (row < 0 || row >= w.height || column < 0 || column >= w.width) continue;
      const Input* at = image + (row * w.width + column) * w.channels;
      for (int64_t c = 0; c < depth; ++c) sum += static_cast<int32_t>(kernel[c]) * static_cast<int32_t>(at[c]);
    }
  }
  return sum;
}

template <typename Input, typename Store>
void convolve(const Input* x, const std::vector<int8_t>& weights, const ByteConvolution& c, const Store& store) {
  const Window& w = c.window;
  const int64_t group_kernels = w.out_channels / w.groups;
  int64_t at = 0;
  for (int64_t n = 0; n < c.batch; ++n, x += w.height * w.width * w.channels)
    for (int64_t oy = 0; oy < w.out_height(); ++oy)
      for (int64_t ox = 0; ox < w.out_width(); ++ox)
        for (int64_t k = 0; k < w.out_channels; ++k) {
          const Input* group = x + k / group_kernels * (w.channels / w.groups);
          store(at++, static_cast<int>(k), sum_at(group, weights.data() + k * c.depth(), w, oy, ox));
        }
}

template <typename Store>
void run(const ConvolutionOperands& operands, const ByteConvolution& c, const Store& store) {
  check_convolution(c);
  const int64_t n = c.window.out_channels * c.depth();
  std::vector<int8_t> weights(static_cast<size_t>(n));
  unpack_codes(operands.weights, n, {c.weight_bits, true}, reinterpret_cast<uint8_t*>(weights.data()));
  if (c.unsigned_input)
    convolve(operands.x, weights, c, store);
  else
    convolve(reinterpret_cast<const int8_t*>(operands.x), weights, c, store);
}

}  // namespace

void check_convolution(const ByteConvolution& c) {
  const Window& w = c.window;
  require(c.batch >= 1 && w.channels >= 1 && w.kernel >= 1 && w.stride >= 1 && w.padding >= 0 && w.extra_padding >= 0,
          "convolve_bytes: expected positive extents, got batch {}, {} channels, kernel {}, stride {}, padding {}",
          c.batch, w.channels, w.kernel, w.stride, w.padding);
  require(w.groups >= 1 && w.channels % w.groups == 0 && w.out_channels >= 1 && w.out_channels % w.groups == 0,
          "convolve_bytes: expected groups that divide {} and {} channels, got {}", w.channels, w.out_channels,
          w.groups);
  const int64_t padded = std::min(w.height, w.width) + 2 * w.padding + w.extra_padding;
  require(w.height >= 1 && w.width >= 1 && padded >= w.kernel,
          "convolve_bytes: expected an image of {} or more with its padding, got {} x {}", w.kernel, w.height, w.width);
  require(c.weight_bits >= 2 && c.weight_bits <= 8, "convolve_bytes: expected weights of 2 to 8 bits, got {}",
          c.weight_bits);
  constexpr int64_t kDeepest = 65536;  // times 128 * 255 is below 2^31
  require(c.depth() <= kDeepest, "convolve_bytes: expected at most {} weights a kernel, got {}", kDeepest, c.depth());
  const int64_t largest =
      std::max({c.batch * w.height * w.width * w.channels, c.pixels() * w.out_channels, w.out_channels * c.depth()});
  require(largest < kTooMany, "convolve_bytes: expected tensors below 2^31 elements, got {}", largest);
}

int64_t multiplications(const ByteConvolution& c) { return c.pixels() * c.window.out_channels * c.depth(); }

void convolve_bytes(const ConvolutionOperands& operands, const ByteConvolution& convolution, int32_t* acc) {
  run(operands, convolution, scalar::StoreSums{acc});
}

void check_epilogue(const ScaleEpilogue& epilogue) {
  const CodeGrid& grid = epilogue.grid;
  require(grid.rounding != CodeRounding::stochastic, "convolve_bytes: expected half_even or half_away, got stochastic");
  constexpr float kMost = 2097152.0F;  // 2^21
  require(grid.lowest == std::nearbyint(grid.lowest) && grid.highest == std::nearbyint(grid.highest) &&
              grid.lowest >= -kMost && grid.lowest <= grid.highest && grid.highest <= kMost,
          "convolve_bytes: expected codes between whole numbers, got {} to {}", grid.lowest, grid.highest);
}

void convolve_bytes_scaled(const ConvolutionOperands& operands, const ByteConvolution& convolution,
                           const ScaleEpilogue& epilogue, uint8_t* codes) {
  check_epilogue(epilogue);
  run(operands, convolution, scalar::StoreCodes{epilogue, codes});
}

}  // namespace carat
