// SPDX-License-Identifier: Apache-2.0
// Tensors that another program wrote, put into a Carat graph, and the way back.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "models/weights/model.h"
#include "models/weights/tensor_file.h"

namespace carat {

// What another program calls the layers: our name to the module's. A layer that is not in it keeps its name. Suffixes
// are ours, but for a Scale layer NAME: NAME.weight and NAME.bias, the bias always there.
struct Layout {
  std::string name = "carat";
  std::map<std::string, std::string> modules;
};

// What the layout calls a buffer of the graph.
std::string foreign_name(const ModelGraph& graph, const Layout& layout, const std::string& buffer);

// What does not fit, one line for each tensor.
struct Mismatches {
  std::vector<std::string> missing;
  std::vector<std::string> surplus;
  std::vector<std::string> misfits;  // of another shape or type

  size_t count() const { return missing.size() + surplus.size() + misfits.size(); }
};

// Expected: every buffer of the graph, as F32, F16, BF16 or F64 (codes of quantized weights also as integers), linear
// weights {K, C} or {K, C, 1, 1}. NAME.num_batches_tracked is passed over; a bias that a Scale layer of the graph does
// not have must be zero.
Mismatches mismatches(const TensorFile& file, const ModelGraph& graph, const Layout& layout = {});

// Values as float32; masks of masked layers are their nonzeros. Throws Error with every mismatch, a line each after
// the first, which counts them; with one line naming tensor and index for a value that is not finite.
Model model_from_tensors(const TensorFile& file, const ModelGraph& graph, const std::string& origin,
                         const Layout& layout = {});

// The model's tensors as a safetensors file in this layout: F32, codes of at most 8 bits I8; linear weights {K, C}.
// Masks are not written, their weights are zeros. Throws Error for scales of quantizers: nobody else names them.
std::string tensors_from_model(const Model& model, const Layout& layout,
                               const std::map<std::string, std::string>& metadata = {});

}  // namespace carat
