// SPDX-License-Identifier: Apache-2.0
// One scale per kernel by alternating least squares, all kernels of a layer in one call:
//   scale = max|w| / highest; repeat q = clamp(round(w / scale), lowest, highest), scale = (w . q) / (q . q)
// until the scale, and so every code, stays as it was, or 100 rounds. Only kept weights count. A kernel of zeros, and
// one whose first codes are all zero, has no least squares: it keeps scale 1, or its first scale. squared_error = sum
// over kept weights of (w - scale * q)^2, q of the final scale.
//
// float64, one rounding per operation. A sum runs over 256 lanes: lane l adds its terms l, l + 256, ... in this order
// to 0, then for width 128, 64 .. 1 lane l adds lane l + width. So CPU and CUDA give the same bits. Source: the 2019
// MicroNet winners' published code (alternating minimisation of ||w - scale * q||^2).
#pragma once

#include <cstdint>

#include "kernels/code_range.h"

namespace carat {

struct KernelWeights {
  const float* weights;  // {kernels, size}
  const uint8_t* kept;   // the same shape, 0 = masked; null keeps all
  int64_t kernels;
  int64_t size;
};

struct ScaleFits {
  double* scales;          // {kernels}
  double* squared_errors;  // {kernels}
};

// Throws Error for stochastic rounding.
void fit_scales(const KernelWeights& kernels, const CodeGrid& grid, const ScaleFits& fits);
// Device pointers on a CUDA stream, one launch. Throws Error in a build without CUDA too.
void fit_scales_cuda(const KernelWeights& kernels, const CodeGrid& grid, const ScaleFits& fits, void* stream);

}  // namespace carat
