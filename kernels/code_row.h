// SPDX-License-Identifier: Apache-2.0
// Codes of activations and their straight-through gradient in one pass each, SIMD: what quantization-aware training on
// the CPU spends its time on. The formulas of kernels/fake_quant.h for one scale, with a zero point.
#pragma once

#include <cstdint>

namespace carat {

// place = x * inverse + zero_point, two float32 roundings; value = scale * (clamp(round(place), lowest, highest) -
// zero_point), one rounding: codes with scale 1, else what they stand for.
// half_away: sign(place) * floor(|place| + 0.5). A NaN gives a NaN.
struct CodeRow {
  float inverse = 1.0F;
  float zero_point = 0.0F;
  float lowest = 0.0F;
  float highest = 0.0F;
  bool half_away = false;
  float scale = 1.0F;
};

// n numbers; values may alias x.
void row_codes(const float* x, int64_t n, const CodeRow& row, float* values);
// dx = (g * scale) * inverse where lowest <= place <= highest, else 0; dx may alias g or x.
void row_straight_through(const float* g, const float* x, int64_t n, const CodeRow& row, float* dx);

// The same, and of a scale and a zero point that are learned, the sums of kernels/step_size.h over the run: of g *
// (code - (place - zero_point) inside, code outside), and of -g * scale outside; code is without the scale. Float32
// sums in the order of the vectors' lanes: keep runs to some ten thousand numbers.
struct RowSums {
  float scale = 0.0F;
  float zero_point = 0.0F;
};
RowSums row_learned(const float* g, const float* x, int64_t n, const CodeRow& row, float* dx);

}  // namespace carat
