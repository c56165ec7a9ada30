// SPDX-License-Identifier: Apache-2.0
// A network as data: layers in execution order with inferred shapes. No weights, no torch.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "models/graph/layer.h"

namespace carat {

class ModelGraph {
 public:
  ModelGraph() = default;
  // Checks the layers (see validate.h) and infers every shape. The last layer is the output.
  // Throws Error naming the layer.
  explicit ModelGraph(std::string name, std::vector<LayerSpec> layers);

  const std::string& name() const { return name_; }
  const std::vector<LayerSpec>& layers() const { return layers_; }
  int64_t size() const { return static_cast<int64_t>(layers_.size()); }

  bool has(std::string_view layer) const;
  // Throws Error with the nearest name when there is no such layer.
  int64_t index_of(std::string_view layer) const;
  const LayerSpec& layer(std::string_view name) const { return layers_[static_cast<size_t>(index_of(name))]; }

  // Shape of a layer's result, per example.
  const Shape& shape_of(std::string_view layer) const { return shapes_[static_cast<size_t>(index_of(layer))]; }
  const Shape& output_shape(int64_t index) const { return shapes_[static_cast<size_t>(index)]; }
  // Shape of a layer's first input.
  const Shape& input_shape(const LayerSpec& layer) const { return shape_of(layer.inputs.front()); }

  // Names of the layers that read this one.
  std::vector<std::string> consumers(std::string_view layer) const;

  const LayerSpec& input() const { return layers_.front(); }
  const LayerSpec& output() const { return layers_.back(); }
  int64_t classes() const { return shapes_.back().channels; }

  // Names of convolution and linear layers in execution order.
  std::vector<std::string> weight_layers() const;

  // Weights of a conv or linear layer: {K, C/groups, R, S}; for linear {K, C*H*W, 1, 1}.
  std::vector<int64_t> weight_shape(const LayerSpec& layer) const;
  int64_t weight_count(const LayerSpec& layer) const;

  bool operator==(const ModelGraph& other) const { return name_ == other.name_ && layers_ == other.layers_; }

 private:
  std::string name_;
  std::vector<LayerSpec> layers_;
  std::vector<Shape> shapes_;
};

// Layer names that a pattern with '*' and '?' selects among candidates, in order.
std::vector<std::string> match_layers(std::string_view pattern, const std::vector<std::string>& candidates);

// Result shape of a layer whose inputs have these shapes. Throws Error naming the layer.
Shape infer_shape(const LayerSpec& layer, const std::vector<Shape>& inputs);

}  // namespace carat
