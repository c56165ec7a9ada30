// SPDX-License-Identifier: Apache-2.0
// Tensors that another program wrote, put into a Carat graph.
#pragma once

#include <string>
#include <vector>

#include "models/weights/model.h"
#include "models/weights/tensor_file.h"

namespace carat {

// What does not fit, one line each; empty: the file is this network. Names are those of the graph; a Scale layer NAME
// is stored as NAME.weight and NAME.bias, and a bias that the graph does not have must be zero.
std::vector<std::string> mismatches(const TensorFile& file, const ModelGraph& graph);

// Masks of masked layers are their nonzeros. Throws Error with the first mismatches.
Model model_from_tensors(const TensorFile& file, const ModelGraph& graph, const std::string& origin);

}  // namespace carat
