// SPDX-License-Identifier: Apache-2.0
// Scale layers between integers as multiplier, bias and shift.
#pragma once

#include "models/weights/model.h"

namespace carat {

struct IntegerWidths {
  int64_t multiplier_bits = 8;  // 2..24, two's complement
  int64_t bias_bits = 24;       // 2..24
};

// In a fused network, every Scale layer y = k x + b on integers (sums of codes) that only quantizers of unit scale read
// becomes y = floor((m x + c) / 2^shift), m = round(k 2^shift), c = round((b + 1/2) 2^shift): rounded to the nearest
// code, exact from here on. shift is the largest up to 31 with which every m and c of the layer fits its width. Others
// stay as they are. Throws Error naming the layer when the bias leaves no bit to a multiplier. Source: Jacob et al.
// 2018, section 2.2 (multiplier and shift).
Model with_integer_scales(const Model& fused, const IntegerWidths& widths);

// The graph alone, for planning: shifts depend on numbers and are 0.
ModelGraph with_integer_scales(const ModelGraph& fused, const IntegerWidths& widths);

}  // namespace carat
