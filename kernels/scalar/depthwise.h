// SPDX-License-Identifier: Apache-2.0
// Shared parts of kernels/depthwise.h.
#pragma once

#include <type_traits>

#include "kernels/depthwise.h"
#include "kernels/scalar/sums.h"

namespace carat::scalar {

struct DepthwiseExtents {
  int channels, in_height, in_width, out_height, out_width, stride, padding;
  Divisor channel_divisor, in_width_divisor, in_height_divisor, out_width_divisor, out_height_divisor;
};

struct DepthwisePlace {
  int image, row, column, channel;
};

CARAT_SHARED DepthwisePlace place_of(uint32_t i, const Divisor& channels, const Divisor& width, const Divisor& height) {
  const uint32_t pixel = channels.quotient(i);
  const uint32_t line = width.quotient(pixel);
  const uint32_t image = height.quotient(line);
  return {static_cast<int>(image), static_cast<int>(line - image * height.divisor),
          static_cast<int>(pixel - line * width.divisor), static_cast<int>(i - pixel * channels.divisor)};
}

// Where an image's (row, column, channel) lies; rows and columns may be outside, but then nothing is read there. Values
// are fewer than 2^31.
CARAT_SHARED int index_of(const DepthwisePlace& p, int row, int column, int height, int width, int channels) {
  return ((p.image * height + row) * width + column) * channels + p.channel;
}

CARAT_SHARED bool is_within(int place, int extent) {
  return static_cast<unsigned>(place) < static_cast<unsigned>(extent);
}

template <int kSide>
struct DepthwiseOutput {
  DepthwiseExtents at;
  const float* x;
  const float* weights;
  float* y;
  using Loaded = float;
  CARAT_SHARED float load(int64_t i) const {
    const DepthwisePlace p =
        place_of(static_cast<uint32_t>(i), at.channel_divisor, at.out_width_divisor, at.out_height_divisor);
    const int top = p.row * at.stride - at.padding;
    const int left = p.column * at.stride - at.padding;
    const int origin = index_of(p, top, left, at.in_height, at.in_width, at.channels);
    const int line = at.in_width * at.channels;
    float sum = 0.0F;
    CARAT_UNROLL
    for (int r = 0; r < kSide; ++r) CARAT_UNROLL
    for (int s = 0; s < kSide; ++s)
      if (is_within(top + r, at.in_height) && is_within(left + s, at.in_width))
        sum = fused(x[origin + r * line + s * at.channels], weights[(r * kSide + s) * at.channels + p.channel], sum);
    return sum;
  }
  CARAT_SHARED void store(int64_t i, float sum) const { y[i] = sum; }
};

// kStride 0: any.
template <int kSide, int kStride>
struct DepthwiseInputGradient {
  DepthwiseExtents at;
  const float* dy;
  const float* weights;
  float* dx;
  using Loaded = float;
  CARAT_SHARED float load(int64_t i) const {
    const int stride = kStride == 0 ? at.stride : kStride;
    const DepthwisePlace p =
        place_of(static_cast<uint32_t>(i), at.channel_divisor, at.in_width_divisor, at.in_height_divisor);
    float sum = 0.0F;
    CARAT_UNROLL
    for (int r = 0; r < kSide; ++r) {
      const int down = p.row + at.padding - r;
      const int h = down / stride;
      if (down < 0 || h * stride != down || h >= at.out_height) continue;
      CARAT_UNROLL
      for (int s = 0; s < kSide; ++s) {
        const int right = p.column + at.padding - s;
        const int w = right / stride;
        if (right < 0 || w * stride != right || w >= at.out_width) continue;
        sum = fused(dy[index_of(p, h, w, at.out_height, at.out_width, at.channels)],
                    weights[(r * kSide + s) * at.channels + p.channel], sum);
      }
    }
    return sum;
  }
  CARAT_SHARED void store(int64_t i, float sum) const { dx[i] = sum; }
};

// The sums' order: output pixels of all images are cut into chunks of lanes * kDepthwiseRows. Thread (lane, channel) of
// a chunk adds the pixels lane, lane + lanes, ... in float32; the lanes are added in their order in float64, the chunks
// as sums.h says.
constexpr int64_t kDepthwiseRows = 64;

struct DepthwiseWalk {
  int64_t pixels, channels, lanes, chunks;
  CARAT_SHARED int threads() const { return static_cast<int>(lanes * channels); }
};

inline DepthwiseWalk depthwise_walk(const DepthwiseBatch& batch) {
  const int64_t channels = batch.shape.channels;
  const int64_t lanes = channels < kElementThreads ? kElementThreads / channels : 1;
  const int64_t pixels = batch.images * batch.shape.out_height * batch.shape.out_width;
  const int64_t size = lanes * kDepthwiseRows;
  return {pixels, channels, lanes, (pixels + size - 1) / size};
}

template <int kSide>
struct DepthwiseTaps {
  float sum[kSide * kSide];
};

template <int kSide>
CARAT_SHARED DepthwiseTaps<kSide> depthwise_thread(const DepthwiseExtents& at, const DepthwiseWalk& walk,
                                                   const float* x, const float* dy, int64_t chunk, int thread) {
  const auto channel = static_cast<int>(thread % walk.channels);
  const int64_t first = chunk * walk.lanes * kDepthwiseRows + thread / walk.channels;
  DepthwiseTaps<kSide> taps = {};
  for (int64_t row = 0; row < kDepthwiseRows; ++row) {
    const int64_t pixel = first + row * walk.lanes;
    if (pixel >= walk.pixels) break;
    const uint32_t line = at.out_width_divisor.quotient(static_cast<uint32_t>(pixel));
    const auto image = static_cast<int>(at.out_height_divisor.quotient(line));
    const int row_out = static_cast<int>(line) - image * at.out_height;
    const int top = row_out * at.stride - at.padding;
    const int left = (static_cast<int>(pixel) - static_cast<int>(line) * at.out_width) * at.stride - at.padding;
    const int origin = index_of({image, 0, 0, channel}, top, left, at.in_height, at.in_width, at.channels);
    const int step = at.in_width * at.channels;
    const float gradient = dy[pixel * walk.channels + channel];
    CARAT_UNROLL
    for (int r = 0; r < kSide; ++r) CARAT_UNROLL
    for (int s = 0; s < kSide; ++s)
      if (is_within(top + r, at.in_height) && is_within(left + s, at.in_width))
        taps.sum[r * kSide + s] = fused(gradient, x[origin + r * step + s * at.channels], taps.sum[r * kSide + s]);
  }
  return taps;
}

// body with the kernel's side as a constant.
template <typename Body>
void with_side(int64_t side, const Body& body) {
  if (side == 3) return body(std::integral_constant<int, 3>());
  if (side == 5) return body(std::integral_constant<int, 5>());
  body(std::integral_constant<int, 7>());
}

// Throws Error for a shape that does not fit.
DepthwiseExtents depthwise_extents(const DepthwiseBatch& batch);

}  // namespace carat::scalar
