// SPDX-License-Identifier: Apache-2.0
// What happens to the sums of one channel: a Scale layer, an activation function, another Scale layer, a quantizer, or
// some of them in this order, SIMD.
// Bit-equal to scale_channels, scale_channels_strict, apply_unary and quantize_codes.
#pragma once

#include <cstdint>

#include "kernels/float_ops.h"
#include "kernels/quantize.h"

namespace carat {

struct RowScale {
  bool is_used = false;
  bool is_strict = false;  // product and sum rounded to fp16
  bool has_bias = false;
  float k = 1.0F;
  float b = 0.0F;
};

struct RowFinish {
  RowScale scale;
  bool has_unary = false;
  Unary unary = Unary::relu;
  RowScale second;
  bool quantizes = false;
  CodeRange range = {};
};

// y[i] = quantized(second(unary(scale(x[i])))), i in [0, n); x may be integers, which become float32 first. Codes that
// go to uint8 or int16 must fit: quantizes with such a range, or x holds such codes.
void finish_row(const int16_t* x, int64_t n, const RowFinish& finish, uint8_t* y);
void finish_row(const int16_t* x, int64_t n, const RowFinish& finish, int16_t* y);
void finish_row(const int16_t* x, int64_t n, const RowFinish& finish, float* y);
void finish_row(const int32_t* x, int64_t n, const RowFinish& finish, uint8_t* y);
void finish_row(const int32_t* x, int64_t n, const RowFinish& finish, int16_t* y);
void finish_row(const int32_t* x, int64_t n, const RowFinish& finish, float* y);
void finish_row(const float* x, int64_t n, const RowFinish& finish, uint8_t* y);
void finish_row(const float* x, int64_t n, const RowFinish& finish, int16_t* y);
void finish_row(const float* x, int64_t n, const RowFinish& finish, float* y);

}  // namespace carat
