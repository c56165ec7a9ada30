// SPDX-License-Identifier: Apache-2.0
// What the input layer's value is, for every executor.
#pragma once

#include "models/graph/graph.h"

namespace carat {

// In a fused network (any quantized layer has a unit scale) the input is the plain pixel code 0..255, and the Scale
// layers hold the 1/255. In any other network it is the real value code / 255.
bool input_is_codes(const ModelGraph& graph);

}  // namespace carat
