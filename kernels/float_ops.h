// SPDX-License-Identifier: Apache-2.0
// The operations that stay in floating point, in a fixed order of float32 operations: their specification.
// One image, {C, H, W}.
#pragma once

#include <cstdint>

#include "kernels/unary.h"
#include "kernels/window.h"

namespace carat {

// exp in float32, the same everywhere: n = x / ln 2 rounded to the nearest, f = x - n ln 2 with ln 2 in two parts (the
// larger times n is exact), then a degree-6 polynomial in f by fused multiply-adds, times 2^n. Within 0.9 ulp of exp;
// x beyond -87 and 87 counts as these, so that neither exp nor 1 / (1 + exp) is subnormal. swish is x / (1 + exp(-x)),
// within 2.5 ulp, as is sigmoid. Source: Cody and Waite 1980 (the parts of ln 2); the coefficients are the minimax ones
// of exp on [-ln 2 / 2, ln 2 / 2], relative error, whose first two are 1.
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

// A border of `fill`: window.padding on every side, window.extra_padding more below and to the right.
void pad_border(const float* x, const Window& window, float fill, float* y);

// Sums over c, r, s in this order, float32; weights {K, C/groups, R, S}; taps in the padding are left out.
void convolve_float(const float* x, const float* weights, const Window& window, float* y);

}  // namespace carat
