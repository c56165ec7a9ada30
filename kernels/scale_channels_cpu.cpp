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

}  // namespace carat
