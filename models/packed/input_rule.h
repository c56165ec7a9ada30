// SPDX-License-Identifier: Apache-2.0
// What the input layer's value is, for every executor.
#pragma once

#include "models/graph/graph.h"

namespace carat {

// The input layer's value for one image {C, H, W}, three float32 roundings: the pixel codes, code / 255, or
// (code / 255 - mean) / deviation, rounded to fp16 where the input layer declares that.
void input_values(const ModelGraph& graph, const uint8_t* image, float* values);

}  // namespace carat
