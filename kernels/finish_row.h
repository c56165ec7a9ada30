// SPDX-License-Identifier: Apache-2.0
// What happens to the sums of one channel: a Scale layer, a quantizer, or both, SIMD. Bit-equal to scale_channels,
// scale_channels_strict and quantize_codes.
#pragma once

#include <cstdint>

#include "kernels/quantize.h"

namespace carat {

struct RowFinish {
  bool has_scale = false;
  bool is_strict = false;  // product and sum rounded to fp16
  float k = 1.0F;
  bool has_bias = false;
  float b = 0.0F;
  bool quantizes = false;
  CodeRange range = {};
};

// y[i] = quantized(k * x[i] + b), i in [0, n); x may be integers, which become float32 first. Codes that go to uint8 or
// int16 must fit: quantizes with such a range, or x holds such codes.
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
