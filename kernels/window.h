// SPDX-License-Identifier: Apache-2.0
// Extents of a sliding window over one image: convolutions and pools.
#pragma once

#include <cstdint>

namespace carat {

struct Window {
  int64_t channels = 1;  // of the input
  int64_t height = 1;
  int64_t width = 1;
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t padding = 0;
  int64_t out_channels = 1;  // convolutions
  int64_t groups = 1;
  int64_t extra_padding = 0;  // more rows below and columns to the right

  int64_t out_height() const { return (height + 2 * padding + extra_padding - kernel) / stride + 1; }
  int64_t out_width() const { return (width + 2 * padding + extra_padding - kernel) / stride + 1; }
};

}  // namespace carat
