// SPDX-License-Identifier: Apache-2.0
// Gates of squeeze and excite replaced by constants, and their branches removed.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "models/weights/model.h"

namespace carat {

// Multiply layers that scale every channel of an image by one value (their second input).
std::vector<std::string> gates_of(const ModelGraph& graph);
// The layer that gives a gate its values.
const std::string& gate_values(const ModelGraph& graph, const std::string& gate);

// The graph without the gate and every layer that nothing else reads.
// Throws Error naming the layer where the constants find no place: neither a batch norm in front whose result (or the
// relu of it) only the gate and its branch read, nor convolution or linear layers in floating point alone behind.
ModelGraph merge_gate(const ModelGraph& graph, const std::string& gate);

// x * g becomes x with gamma' = gamma g, beta' = beta g in the batch norm in front, else w' = w g per input channel of
// the layers behind; exact. g: {channels}, none negative, so that a relu in between gives the same.
Model merge_gate(const Model& model, const std::string& gate, const std::vector<double>& g);

}  // namespace carat
