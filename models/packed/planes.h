// SPDX-License-Identifier: Apache-2.0
// Where the pixels of one image lie in memory: channel after channel, with a border, each plane on a cache line.
#pragma once

#include <cstdint>

#include "models/graph/layer.h"

namespace carat {

struct Planes {
  Shape shape;
  int64_t before = 0;  // border rows above and columns to the left
  int64_t after = 0;   // below and to the right

  static constexpr int64_t kAlignment = 64;
  int64_t row() const { return shape.width + before + after; }
  int64_t rows() const { return shape.height + before + after; }
  int64_t plane() const { return (rows() * row() + kAlignment - 1) / kAlignment * kAlignment; }
  int64_t elements() const { return shape.channels * plane(); }
  // Of a pixel inside its plane.
  int64_t at(int64_t y, int64_t x) const { return (y + before) * row() + x + before; }
};

}  // namespace carat
