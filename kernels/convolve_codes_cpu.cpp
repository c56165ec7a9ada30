// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "kernels/convolve_codes.h"

namespace carat {
namespace {

// x with its zero border, as int32.
std::vector<int32_t> padded(const float* x, const Window& w) {
  const int64_t height = w.height + 2 * w.padding + w.extra_padding;
  const int64_t width = w.width + 2 * w.padding + w.extra_padding;
  std::vector<int32_t> plane(static_cast<size_t>(w.channels * height * width), 0);
  for (int64_t c = 0; c < w.channels; ++c)
    for (int64_t y = 0; y < w.height; ++y)
      for (int64_t i = 0; i < w.width; ++i)
        plane[static_cast<size_t>((c * height + y + w.padding) * width + w.padding + i)] =
            static_cast<int32_t>(x[(c * w.height + y) * w.width + i]);
  return plane;
}

// Columns of one remainder modulo the stride come together, so that the inner loop reads neighbours.
std::vector<int32_t> split_columns(const std::vector<int32_t>& plane, int64_t width, int64_t stride, int64_t part) {
  const int64_t rows = static_cast<int64_t>(plane.size()) / width;
  std::vector<int32_t> result(static_cast<size_t>(rows * part * stride), 0);
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t x = 0; x < width; ++x)
      result[static_cast<size_t>((row * stride + x % stride) * part + x / stride)] =
          plane[static_cast<size_t>(row * width + x)];
  return result;
}

}  // namespace

SparseKernels sparse_kernels(const float* weights, const Window& w) {
  SparseKernels sparse;
  const int64_t depth = w.channels / w.groups;
  const int64_t kernels_per_group = w.out_channels / w.groups;
  for (int64_t k = 0; k < w.out_channels; ++k) {
    std::vector<SparseKernels::Tap> taps;
    const int64_t first_channel = k / kernels_per_group * depth;
    for (int64_t c = 0; c < depth; ++c)
      for (int64_t r = 0; r < w.kernel; ++r)
        for (int64_t s = 0; s < w.kernel; ++s) {
          const auto code = static_cast<int32_t>(weights[((k * depth + c) * w.kernel + r) * w.kernel + s]);
          if (code != 0)
            taps.push_back(
                {static_cast<int32_t>(first_channel + c), static_cast<int32_t>(r), static_cast<int32_t>(s), code});
        }
    sparse.kernels.push_back(std::move(taps));
  }
  return sparse;
}

void convolve_codes(const float* x, const SparseKernels& weights, const Window& w, int32_t* acc) {
  const int64_t height = w.height + 2 * w.padding + w.extra_padding;
  const int64_t width = w.width + 2 * w.padding + w.extra_padding;
  const int64_t part = (width + w.stride - 1) / w.stride;
  const std::vector<int32_t> plane = split_columns(padded(x, w), width, w.stride, part);
  const int64_t out_height = w.out_height();
  const int64_t out_width = w.out_width();
  std::fill_n(acc, w.out_channels * out_height * out_width, 0);
  for (const std::vector<SparseKernels::Tap>& taps : weights.kernels) {
    for (const SparseKernels::Tap& tap : taps) {
      const int32_t* rows = plane.data() + (tap.channel * height + tap.row) * w.stride * part +
                            tap.column % w.stride * part + tap.column / w.stride;
      const int32_t code = tap.code;
      for (int64_t y = 0; y < out_height; ++y) {
        const int32_t* in = rows + y * w.stride * w.stride * part;
        int32_t* out = acc + y * out_width;
        for (int64_t i = 0; i < out_width; ++i) out[i] += code * in[i];
      }
    }
    acc += out_height * out_width;
  }
}

}  // namespace carat
