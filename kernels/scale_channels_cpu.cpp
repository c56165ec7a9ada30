// SPDX-License-Identifier: Apache-2.0
#include "kernels/scale_channels.h"

#include "base/half.h"

namespace carat {

void scale_channels(const float* x, int64_t channels, int64_t pixels, const float* k, const float* b, float* y) {
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t i = c * pixels; i < (c + 1) * pixels; ++i) {
      const float product = k[c] * x[i];
      y[i] = b != nullptr ? product + b[c] : product;
    }
  }
}

void scale_channels_strict(const float* x, int64_t channels, int64_t pixels, const float* k, const float* b, float* y) {
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t i = c * pixels; i < (c + 1) * pixels; ++i) {
      const float product = round_to_half(k[c] * x[i]);
      y[i] = b != nullptr ? round_to_half(product + b[c]) : product;
    }
  }
}

void scale_channels_integer(const float* x, const ScaleExtents& extents, const IntegerFactors& factors, float* y) {
  for (int64_t c = 0; c < extents.channels; ++c) {
    const auto k = static_cast<int64_t>(factors.k[c]);
    const int64_t b = factors.b != nullptr ? static_cast<int64_t>(factors.b[c]) : 0;
    for (int64_t i = c * extents.pixels; i < (c + 1) * extents.pixels; ++i)
      y[i] = static_cast<float>((k * static_cast<int64_t>(x[i]) + b) >> factors.shift);
  }
}

}  // namespace carat
