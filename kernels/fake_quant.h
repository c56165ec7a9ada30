// SPDX-License-Identifier: Apache-2.0
// Quantization of real numbers, one scale per tensor or per kernel (ScaleList), n numbers, results may alias x:
//   p = x * inverse, one float32 rounding; code = clamp(round(p), lowest, highest), rounded as the grid says
//   (half_away: sign(p) * floor(|p| + 0.5) in float32); inside = lowest <= p <= highest.
// A NaN gives a NaN code and is outside; every NaN that comes out is 0x7FC00000. inverse is 1 / scale as the caller
// rounded it. The scales' count must divide n, and n is below 2^31 when there are several: else Error. The same bits
// everywhere. Source: Jacob et al. 2018, eq. 1; Bengio et al. 2013 (straight-through); Gupta et al. 2015 (stochastic
// rounding).
#pragma once

#include <cstdint>

#include "kernels/code_range.h"

namespace carat {

// Codes as floats.
void scaled_codes(const float* x, int64_t n, const ScaleList& inverse, const CodeGrid& grid, float* codes);
// Codes as bytes: the low 8 bits of the integer, a NaN as 0.
void scaled_bytes(const float* x, int64_t n, const ScaleList& inverse, const CodeGrid& grid, uint8_t* codes);
// x = scale * code, one rounding.
void dequantize_codes(const float* codes, int64_t n, const ScaleList& scales, float* x);

struct FakeQuantResult {
  float* values;    // scale * code
  uint8_t* inside;  // 1 = the gradient passes
};
struct FakeQuantScales {
  ScaleList inverse;
  ScaleList scales;  // as many
};
void fake_quantize(const float* x, int64_t n, const FakeQuantScales& scales, const CodeGrid& grid,
                   const FakeQuantResult& result);

// Straight-through gradient of the codes: dx = g * inverse where x is inside, else 0.
struct CodeGradient {
  const float* g;
  const float* x;
  float* dx;  // may alias g
};
void straight_through(const CodeGradient& gradient, int64_t n, const ScaleList& inverse, const CodeGrid& grid);

// y = x where the mask's byte is not 0, else +0: weights and their gradients. y may alias x.
void apply_mask(const float* x, const uint8_t* mask, int64_t n, float* y);

// The same for device pointers on a CUDA stream. Throw Error in a build without CUDA.
void scaled_codes_cuda(const float* x, int64_t n, const ScaleList& inverse, const CodeGrid& grid, float* codes,
                       void* stream);
void scaled_bytes_cuda(const float* x, int64_t n, const ScaleList& inverse, const CodeGrid& grid, uint8_t* codes,
                       void* stream);
void dequantize_codes_cuda(const float* codes, int64_t n, const ScaleList& scales, float* x, void* stream);
void fake_quantize_cuda(const float* x, int64_t n, const FakeQuantScales& scales, const CodeGrid& grid,
                        const FakeQuantResult& result, void* stream);
void straight_through_cuda(const CodeGradient& gradient, int64_t n, const ScaleList& inverse, const CodeGrid& grid,
                           void* stream);
void apply_mask_cuda(const float* x, const uint8_t* mask, int64_t n, float* y, void* stream);

}  // namespace carat
