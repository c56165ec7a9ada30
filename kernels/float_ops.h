// SPDX-License-Identifier: Apache-2.0
// The operations that stay in floating point, in a fixed order of float32 operations: their specification.
// One image, {C, H, W}.
#pragma once

#include <cstdint>

#include "kernels/unary.h"
#include "kernels/window.h"

namespace carat {

// exp in float32 by range reduction to 2^n * 2^f and a degree-6 polynomial, the same everywhere; relative error below
// 3e-7; x beyond -87 and 87 counts as these, so that neither exp nor 1 / (1 + exp) is subnormal. Source: Cephes expf,
// coefficients.
float specified_exp(float x);

void apply_unary(Unary op, const float* x, int64_t n, float* y);

// Sum over the window row by row, padding as zeros, then times float32(1 / kernel^2).
void avg_pool(const float* x, const Window& window, float* y);
// Largest value of the part of the window inside the image.
void max_pool(const float* x, const Window& window, float* y);
// Sum row by row, then times float32(1 / pixels).
void global_avg_pool(const float* x, int64_t channels, int64_t pixels, float* y);

// Channel g * n + i of groups g, n = channels / groups, moves to i * groups + g. Source: Zhang et al. 2018
// (ShuffleNet).
void shuffle_channels(const float* x, const Window& window, float* y);
// To size x size: source row floor(i * height / size), columns alike.
void upsample_nearest(const float* x, const Window& window, int64_t size, float* y);

// Sums over c, r, s in this order, float32; weights {K, C/groups, R, S}; taps in the padding are left out.
void convolve_float(const float* x, const float* weights, const Window& window, float* y);

}  // namespace carat
