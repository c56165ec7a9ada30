// SPDX-License-Identifier: Apache-2.0
// The direct convolution kernel of kernels/convolve_bytes.h. A block of 256 threads makes 32 pixels of 32 kernels:
// thread t makes pixels t / 32 + 8 * j, j = 0..3, of kernel t % 32. Weights come to shared memory 128 a kernel at a
// time.
#pragma once

#include "kernels/convolve_bytes.h"
#include "kernels/scalar/bits.h"
#include "kernels/scalar/divisor.h"
#include "kernels/scalar/fake_quant.h"

namespace carat::scalar {

constexpr int kTileKernels = 32;
constexpr int kTilePixels = 32;
constexpr int kOwnPixels = 4;
constexpr int kPixelStep = kTilePixels / kOwnPixels;
constexpr int kConvolutionThreads = kTileKernels * kPixelStep;
constexpr int kChunk = 128;
constexpr int kChunkStride = kChunk + 4;  // lanes read different banks

struct DirectConvolution {
  ConvolutionOperands operands;
  int height, width, channels;
  int out_channels, group_channels;
  int stride, padding;
  int depth, pixels, weight_bits;
  bool unsigned_input;
  bool in_fours;  // channels of a group are a multiple of 4
  Divisor out_width, out_height, kernel_size, group_depth, group_kernels, kernel_tiles;
};

inline DirectConvolution direct_convolution(const ConvolutionOperands& operands, const ByteConvolution& c) {
  const Window& w = c.window;
  const auto whole = [](int64_t n) { return static_cast<int>(n); };
  const int64_t group_channels = w.channels / w.groups;
  return {operands,
          whole(w.height),
          whole(w.width),
          whole(w.channels),
          whole(w.out_channels),
          whole(group_channels),
          whole(w.stride),
          whole(w.padding),
          whole(c.depth()),
          whole(c.pixels()),
          whole(c.weight_bits),
          c.unsigned_input,
          group_channels % 4 == 0,
          divisor_of(w.out_width()),
          divisor_of(w.out_height()),
          divisor_of(w.kernel),
          divisor_of(group_channels),
          divisor_of(w.out_channels / w.groups),
          divisor_of((w.out_channels + kTileKernels - 1) / kTileKernels)};
}

inline int64_t convolution_blocks(const ByteConvolution& c) {
  const int64_t kernel_tiles = (c.window.out_channels + kTileKernels - 1) / kTileKernels;
  return kernel_tiles * ((c.pixels() + kTilePixels - 1) / kTilePixels);
}

CARAT_SHARED int first_kernel(const DirectConvolution& c, int block) {
  const auto b = static_cast<uint32_t>(block);
  return static_cast<int>(b - c.kernel_tiles.quotient(b) * c.kernel_tiles.divisor) * kTileKernels;
}

CARAT_SHARED int own_pixel(const DirectConvolution& c, int block, int thread, int j) {
  const auto tile = static_cast<int>(c.kernel_tiles.quotient(static_cast<uint32_t>(block)));
  return tile * kTilePixels + thread / kTileKernels + kPixelStep * j;
}

// A thread's share of the weights first .. first + kChunk - 1 of the block's kernels; zeros beyond the tensor.
CARAT_SHARED void load_weights(const DirectConvolution& c, int block, int thread, int first, int8_t* tile) {
  const int kernel = first_kernel(c, block);
  for (int i = thread; i < kTileKernels * kChunk; i += kConvolutionThreads) {
    const int k = kernel + i / kChunk;
    const int d = first + i % kChunk;
    const bool is_there = k < c.out_channels && d < c.depth;
    const int64_t index = static_cast<int64_t>(k) * c.depth + d;
    const int code = is_there ? code_at(c.operands.weights, index, c.weight_bits, true) : 0;
    tile[i / kChunk * kChunkStride + i % kChunk] = static_cast<int8_t>(code);
  }
}

// acc + the four products of bytes; x is unsigned or signed, w signed.
CARAT_SHARED int dot_fours(uint32_t x, uint32_t w, bool unsigned_input, int acc) {
#ifdef __CUDA_ARCH__
  if (!unsigned_input) return __dp4a(static_cast<int>(x), static_cast<int>(w), acc);
  int result = 0;
  asm("dp4a.u32.s32 %0, %1, %2, %3;" : "=r"(result) : "r"(x), "r"(w), "r"(acc));
  return result;
#else
  for (int i = 0; i < 4; ++i) {
    const uint32_t byte = x >> (8 * i) & 0xFFU;
    const int value = unsigned_input ? static_cast<int>(byte) : static_cast<int8_t>(byte);
    acc += value * static_cast<int8_t>(w >> (8 * i) & 0xFFU);
  }
  return acc;
#endif
}

// Where a pixel's window begins: its image's first byte (of the group's first channel), row and column.
struct Corner {
  const uint8_t* image;
  int row;
  int column;
};

CARAT_SHARED Corner corner_of(const DirectConvolution& c, int pixel, int first_channel) {
  const auto p = static_cast<uint32_t>(pixel);
  const uint32_t line = c.out_width.quotient(p);
  const uint32_t image = c.out_height.quotient(line);
  const auto y = static_cast<int>(line - image * c.out_height.divisor);
  const auto x = static_cast<int>(p - line * c.out_width.divisor);
  const int64_t start = static_cast<int64_t>(image) * c.height * c.width * c.channels + first_channel;
  return {c.operands.x + start, y * c.stride - c.padding, x * c.stride - c.padding};
}

// Adds the products of one tap (or four neighbouring channels) to a pixel's sum.
CARAT_SHARED int add_tap(const DirectConvolution& c, const Corner& corner, int r, int s, int channel, uint32_t w,
                         int acc) {
  const int row = corner.row + r;
  const int column = corner.column + s;
  if (row < 0 || row >= c.height || column < 0 || column >= c.width) return acc;
  const uint8_t* at = corner.image + (static_cast<int64_t>(row) * c.width + column) * c.channels + channel;
  if (!c.in_fours) {
    const int value = c.unsigned_input ? static_cast<int>(*at) : static_cast<int8_t>(*at);
    return acc + value * static_cast<int8_t>(w);
  }
  uint32_t fours = 0;
  memcpy(&fours, __builtin_assume_aligned(at, 4), sizeof fours);
  return dot_fours(fours, w, c.unsigned_input, acc);
}

// A thread's products with the chunk of weights that begins at first; tile as load_weights left it.
CARAT_SHARED void accumulate(const DirectConvolution& c, const Corner* corners, const int8_t* own_weights, int first,
                             int* acc) {
  const auto d = static_cast<uint32_t>(first);
  const uint32_t tap = c.group_depth.quotient(d);
  auto channel = static_cast<int>(d - tap * c.group_depth.divisor);
  auto r = static_cast<int>(c.kernel_size.quotient(tap));
  int s = static_cast<int>(tap) - r * static_cast<int>(c.kernel_size.divisor);
  const int end = c.depth - first < kChunk ? c.depth - first : kChunk;
  const int step = c.in_fours ? 4 : 1;
  for (int i = 0; i < end; i += step) {
    uint32_t w = 0;
    if (c.in_fours)
      memcpy(&w, __builtin_assume_aligned(own_weights + i, 4), sizeof w);
    else
      w = static_cast<uint8_t>(own_weights[i]);
    CARAT_UNROLL
    for (int j = 0; j < kOwnPixels; ++j) acc[j] = add_tap(c, corners[j], r, s, channel, w, acc[j]);
    channel += step;
    if (channel < c.group_channels) continue;
    channel = 0;
    if (++s < static_cast<int>(c.kernel_size.divisor)) continue;
    s = 0;
    ++r;
  }
}

CARAT_SHARED uint8_t scaled_byte(int acc, float k, float b, const CodeGrid& grid) {
  const float y = add(multiply(k, static_cast<float>(acc)), b);
  return byte_of(grid_code(y, grid, 0));
}

// The same by fewer instructions, for grids of whole numbers below 2^21. Rounding never falls as y rises: clamped
// first, a code fits into the low bits of a float32 whose last place is 1.
CARAT_SHARED uint8_t scaled_byte_half_even(int acc, float k, float b, float lowest, float highest) {
  constexpr float kLastPlaceIsOne = 12582912.0F;  // 1.5 * 2^23; its low byte is 0
  const float y = add(multiply(k, static_cast<float>(acc)), b);
  const uint32_t bits = bits_of(add(fmaxf(fminf(y, highest), lowest), kLastPlaceIsOne));
  return y == y ? static_cast<uint8_t>(bits) : 0;
}

CARAT_SHARED uint8_t scaled_byte_half_away(int acc, float k, float b, float lowest, float highest) {
  const float y = add(multiply(k, static_cast<float>(acc)), b);
  const float inside = fmaxf(fminf(y, highest), lowest);
  const auto whole = static_cast<int>(add(fabsf(inside), 0.5F));
  return y == y ? static_cast<uint8_t>(inside < 0.0F ? -whole : whole) : 0;
}

// Where sums go: as they are, or through a Scale layer to codes.
struct StoreSums {
  int32_t* acc;
  CARAT_SHARED void operator()(int64_t at, int /*kernel*/, int sum) const { acc[at] = sum; }
};

struct StoreCodes {
  ScaleEpilogue epilogue;
  uint8_t* codes;
  CARAT_SHARED void operator()(int64_t at, int kernel, int sum) const {
    const float* pair = epilogue.scale_and_bias + 2 * static_cast<int64_t>(kernel);
    codes[at] = scaled_byte(sum, pair[0], pair[1], epilogue.grid);
  }
};

// Corners of a thread's pixels; pixels beyond the last take the last one's, and are not stored.
CARAT_SHARED void own_corners(const DirectConvolution& c, int block, int thread, Corner* corners) {
  int k = first_kernel(c, block) + thread % kTileKernels;
  if (k >= c.out_channels) k = c.out_channels - 1;
  const auto group = static_cast<int>(c.group_kernels.quotient(static_cast<uint32_t>(k)));
  CARAT_UNROLL
  for (int j = 0; j < kOwnPixels; ++j) {
    const int pixel = own_pixel(c, block, thread, j);
    corners[j] = corner_of(c, pixel < c.pixels ? pixel : c.pixels - 1, group * c.group_channels);
  }
}

template <typename Store>
CARAT_SHARED void store_own(const DirectConvolution& c, int block, int thread, const int* acc, const Store& store) {
  const int k = first_kernel(c, block) + thread % kTileKernels;
  if (k >= c.out_channels) return;
  CARAT_UNROLL
  for (int j = 0; j < kOwnPixels; ++j) {
    const int pixel = own_pixel(c, block, thread, j);
    if (pixel < c.pixels) store(static_cast<int64_t>(pixel) * c.out_channels + k, k, acc[j]);
  }
}

// Channels filled up with zeros to a multiple of 16, and packed codes spread to bytes: what tensor cores read.
struct FillChannels {
  const uint8_t* x;
  int bits;
  uint32_t channels;
  Divisor filled;
  uint8_t* y;
  using Loaded = uint8_t;
  CARAT_SHARED uint8_t load(int64_t i) const {
    const uint32_t row = filled.quotient(static_cast<uint32_t>(i));
    const uint32_t c = static_cast<uint32_t>(i) - row * filled.divisor;
    if (c >= channels) return 0;
    return static_cast<uint8_t>(code_at(x, static_cast<int64_t>(row) * channels + c, bits, true));
  }
  CARAT_SHARED void store(int64_t i, uint8_t value) const { y[i] = value; }
};

// Rows of few channels, unfolded: for every column of the result the taps of a row of the window side by side,
//   y[row][column][s * C + c] = x[row][column * stride + s - padding][c],
// zeros beyond x and up to 16 * chunks. An element is a chunk of 16 bytes.
struct UnfoldRows {
  const uint8_t* x;
  int row_bytes, taps;  // width * C of x, kernel * C
  int step, lead;       // stride * C, padding * C
  Divisor chunks, columns;
  uint8_t* y;
  struct alignas(16) Loaded {
    uint8_t bytes[16];
  };
  CARAT_SHARED Loaded load(int64_t i) const {
    const uint32_t place = chunks.quotient(static_cast<uint32_t>(i));
    const auto first_tap = static_cast<int>(static_cast<uint32_t>(i) - place * chunks.divisor) * 16;
    const uint32_t row = columns.quotient(place);
    const auto column = static_cast<int>(place - row * columns.divisor);
    const int first = column * step - lead;
    const uint8_t* from = x + static_cast<int64_t>(row) * row_bytes;
    Loaded loaded;
    CARAT_UNROLL
    for (int j = 0; j < 16; ++j) {
      const int at = first + first_tap + j;
      const bool is_there = first_tap + j < taps && at >= 0 && at < row_bytes;
      loaded.bytes[j] = is_there ? from[at] : uint8_t{0};
    }
    return loaded;
  }
  CARAT_SHARED void store(int64_t i, const Loaded& loaded) const {
    memcpy(__builtin_assume_aligned(y + 16 * i, 16), &loaded, sizeof loaded);
  }
};

}  // namespace carat::scalar
