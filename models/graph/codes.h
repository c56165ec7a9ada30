// SPDX-License-Identifier: Apache-2.0
// Which values of a network are integers, and what they can be.
#pragma once

#include <optional>
#include <string>

#include "models/graph/graph.h"

namespace carat {

// The codes that a layer's result holds, looking through operations that keep codes. None for real numbers, for the
// image, and where inputs with different codes meet.
std::optional<QuantSpec> codes_of(const ModelGraph& graph, const std::string& layer);

// In a fused network (any quantized layer has a unit scale) whose input layer does not normalise, the input is the
// plain pixel code 0..255, and the Scale layers hold the 1/255. In any other network it is the real value.
bool input_is_codes(const ModelGraph& graph);

// The input layer has a mean and a deviation.
bool input_is_normalized(const ModelGraph& graph);

// Every value of a layer's result is an integer: codes, sums of codes, integer Scale layers, and what is moved, chosen
// or added from such.
bool holds_integers(const ModelGraph& graph, const std::string& layer);

}  // namespace carat
