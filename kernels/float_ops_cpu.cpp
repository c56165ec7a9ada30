// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>

#include "kernels/float_ops.h"
#include "kernels/scalar/unary.h"

namespace carat {
namespace {

// visit(value) for every pixel of the window that lies inside the image.
template <typename Visit>
void over_window(const float* plane, const Window& w, int64_t out_y, int64_t out_x, Visit&& visit) {
  for (int64_t r = 0; r < w.kernel; ++r) {
    const int64_t y = out_y * w.stride + r - w.padding;
    for (int64_t s = 0; s < w.kernel; ++s) {
      const int64_t x = out_x * w.stride + s - w.padding;
      if (y >= 0 && y < w.height && x >= 0 && x < w.width) visit(plane[y * w.width + x], r, s);
    }
  }
}

template <typename Reduce>
void pool(const float* x, const Window& w, float* y, Reduce&& reduce) {
  for (int64_t c = 0; c < w.channels; ++c)
    for (int64_t oy = 0; oy < w.out_height(); ++oy)
      for (int64_t ox = 0; ox < w.out_width(); ++ox) *y++ = reduce(x + c * w.height * w.width, oy, ox);
}

}  // namespace

float specified_exp(float x) { return scalar::specified_exp(x); }

void apply_unary(Unary op, const float* x, int64_t n, float* y) {
  for (int64_t i = 0; i < n; ++i) y[i] = scalar::unary(op, x[i]);
}

void avg_pool(const float* x, const Window& w, float* y) {
  const auto factor = static_cast<float>(1.0 / static_cast<double>(w.kernel * w.kernel));
  pool(x, w, y, [&](const float* plane, int64_t oy, int64_t ox) {
    float sum = 0.0F;
    over_window(plane, w, oy, ox, [&](float value, int64_t, int64_t) { sum += value; });
    return sum * factor;
  });
}

void max_pool(const float* x, const Window& w, float* y) {
  pool(x, w, y, [&](const float* plane, int64_t oy, int64_t ox) {
    float largest = -std::numeric_limits<float>::infinity();
    over_window(plane, w, oy, ox, [&](float value, int64_t, int64_t) { largest = std::max(largest, value); });
    return largest;
  });
}

void global_avg_pool(const float* x, int64_t channels, int64_t pixels, float* y) {
  const auto factor = static_cast<float>(1.0 / static_cast<double>(pixels));
  // Several channels at a time: their sums do not wait for each other.
  constexpr int64_t kTogether = 8;
  for (int64_t c = 0; c < channels; c += kTogether) {
    const int64_t together = std::min(kTogether, channels - c);
    float sums[kTogether] = {};
    for (int64_t i = 0; i < pixels; ++i)
      for (int64_t j = 0; j < together; ++j) sums[j] += x[(c + j) * pixels + i];
    for (int64_t j = 0; j < together; ++j) y[c + j] = sums[j] * factor;
  }
}

void shuffle_channels(const float* x, const Window& w, float* y) {
  const int64_t pixels = w.height * w.width;
  const int64_t per_group = w.channels / w.groups;
  for (int64_t c = 0; c < w.channels; ++c)
    std::copy_n(x + c * pixels, pixels, y + (c % per_group * w.groups + c / per_group) * pixels);
}

void upsample_nearest(const float* x, const Window& w, int64_t size, float* y) {
  for (int64_t c = 0; c < w.channels; ++c)
    for (int64_t r = 0; r < size; ++r)
      for (int64_t s = 0; s < size; ++s) *y++ = x[(c * w.height + r * w.height / size) * w.width + s * w.width / size];
}

void pad_border(const float* x, const Window& w, float fill, float* y) {
  const int64_t height = w.height + 2 * w.padding + w.extra_padding;
  const int64_t width = w.width + 2 * w.padding + w.extra_padding;
  std::fill_n(y, w.channels * height * width, fill);
  for (int64_t c = 0; c < w.channels; ++c)
    for (int64_t row = 0; row < w.height; ++row)
      std::copy_n(x + (c * w.height + row) * w.width, w.width, y + (c * height + row + w.padding) * width + w.padding);
}

void convolve_float(const float* x, const float* weights, const Window& w, float* y) {
  const int64_t depth = w.channels / w.groups;
  const int64_t kernels_per_group = w.out_channels / w.groups;
  for (int64_t k = 0; k < w.out_channels; ++k) {
    const float* group = x + k / kernels_per_group * depth * w.height * w.width;
    const float* kernel = weights + k * depth * w.kernel * w.kernel;
    for (int64_t oy = 0; oy < w.out_height(); ++oy) {
      for (int64_t ox = 0; ox < w.out_width(); ++ox) {
        float sum = 0.0F;
        for (int64_t c = 0; c < depth; ++c)
          over_window(group + c * w.height * w.width, w, oy, ox, [&](float value, int64_t r, int64_t s) {
            sum += kernel[(c * w.kernel + r) * w.kernel + s] * value;
          });
        *y++ = sum;
      }
    }
  }
}

}  // namespace carat
