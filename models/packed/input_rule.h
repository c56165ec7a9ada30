// SPDX-License-Identifier: Apache-2.0
// What the input layer's value is, for every executor.
#pragma once

#include "models/graph/graph.h"

namespace carat {

// In a fused network (any quantized layer has a unit scale) the input is the plain pixel code 0..255, and the Scale
// layers hold the 1/255. In any other network, and wherever the input layer normalises, it is the real value.
bool input_is_codes(const ModelGraph& graph);

// The input layer has a mean and a deviation.
bool input_is_normalized(const ModelGraph& graph);
// The input layer's value for one image {C, H, W}, three float32 roundings: the pixel codes, code / 255, or
// (code / 255 - mean) / deviation.
void input_values(const ModelGraph& graph, const uint8_t* image, float* values);

}  // namespace carat
