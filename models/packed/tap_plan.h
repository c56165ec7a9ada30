// SPDX-License-Identifier: Apache-2.0
// A convolution or linear layer as sums along planes: offsets of its taps, and the copy of its input that they need.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/sparse_sums.h"
#include "kernels/window.h"
#include "models/packed/planes.h"

namespace carat {

// The input rearranged: for every channel one plane of rows x columns for each remainder of row and column modulo the
// stride, border included, so that neighbouring results read neighbouring values.
struct Phases {
  int64_t stride = 1;
  int64_t used = 1;  // remainders that a kernel reaches: min(stride, kernel)
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t padding = 0;

  int64_t plane() const { return (rows * columns + Planes::kAlignment - 1) / Planes::kAlignment * Planes::kAlignment; }
  int64_t elements(int64_t channels) const { return channels * used * used * plane(); }
};

struct TapPlan {
  bool needs_phases = false;  // else the source planes are read where they lie
  Phases phases;
  int64_t base = 0;   // offset of the first result's window in a plane
  int64_t row = 0;    // results of neighbouring rows are so far apart
  int64_t count = 0;  // positions from the first result to the last
  int64_t out_height = 1;
  int64_t out_width = 1;

  // Offset of tap (channel of the layer's whole input, r, s).
  int64_t offset(int64_t channel, int64_t r, int64_t s) const;
  int64_t source_plane = 0;
  int64_t source_row = 0;
};

// source: the planes that hold the input's codes; copies: the input is copied whatever its border.
TapPlan plan_taps(const Window& window, const Planes& source, bool copies);

// x: an image in `source` planes. Zero where the window lies outside.
template <typename T>
void copy_phases(const T* x, const Planes& source, const Phases& phases, T* y);

}  // namespace carat
