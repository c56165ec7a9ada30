// SPDX-License-Identifier: Apache-2.0
// y[c][i] = k[c] * x[c][i] + b[c], two float32 roundings, never fused; b may be null. x and y may alias.
// Strict: product and sum are rounded to fp16 (half to even) after their float32 rounding.
#pragma once

#include <cstdint>

namespace carat {

void scale_channels(const float* x, int64_t channels, int64_t pixels, const float* k, const float* b, float* y);
void scale_channels_strict(const float* x, int64_t channels, int64_t pixels, const float* k, const float* b, float* y);

struct ScaleExtents {
  int64_t channels;
  int64_t pixels;
};

// k and b hold integers of up to 24 bits; b may be null; shift 0..31.
struct IntegerFactors {
  const float* k;
  const float* b;
  int64_t shift;
};
// y = floor((k * x + b) / 2^shift), exact: x holds integers up to 2^24.
void scale_channels_integer(const float* x, const ScaleExtents& extents, const IntegerFactors& factors, float* y);

// Device pointers on a CUDA stream. Throws Error in a build without CUDA.
void scale_channels_cuda(const float* x, const ScaleExtents& extents, const float* k, const float* b, float* y,
                         void* stream);

}  // namespace carat
