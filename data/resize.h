// SPDX-License-Identifier: Apache-2.0
// Resizing as Pillow does it, to the last bit: two passes in 8-bit fixed point, antialiased when shrinking.
// Source: Pillow's src/libImaging/Resample.c and Geometry.c (ImagingScaleAffine), described by their documentation.
#pragma once

#include "base/preprocessing.h"
#include "data/image.h"

namespace carat {

struct ResizeTo {
  int64_t height = 0;  // of the whole result
  int64_t width = 0;
  Box part;  // of the result, the pixels that are wanted: what would be cut out of the whole result
  Interpolation interpolation = Interpolation::bilinear;
};

// Along rows first, or down columns first where that loses more lines: when height loses more than twice what width
// loses (Pillow 13.0.0 does so, found by trying; its earlier versions always go along rows first). In each pass result
// = clip((2^21 + sum over taps of pixel * coefficient) >> 22), coefficients rounded half away from zero to 22 bits;
// bilinear has support 1, bicubic (a = -0.5) support 2, both scaled by the shrinking factor.
Image resize(const ImageView& from, const ResizeTo& to);

// The whole result.
Image resize(const ImageView& from, int64_t height, int64_t width, Interpolation interpolation);

}  // namespace carat
