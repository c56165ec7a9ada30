// SPDX-License-Identifier: Apache-2.0
// Activation functions, sums and products, element by element.
#include "base/fail.h"
#include "models/onnx/layer_writer.h"

namespace carat {
namespace {

// min(max(x + 3, 0), 6)
std::string clamp6_of_shifted(const OnnxLayer& layer) {
  GraphWriter& graph = layer.graph;
  const std::string shifted = graph.node("Add", {layer.x(), graph.scalar(3.0F)}, layer.part("shifted"));
  return graph.node("Clip", {shifted, graph.scalar(0.0F), graph.scalar(6.0F)}, layer.part("clamped"));
}

void require_tolerance(const OnnxLayer& layer) {
  require(
      !layer.must_be_exact(),
      "layer {}: a {} that decides codes, and ONNX fixes no exponential function to the last bit: export with --float",
      layer.name(), name_of(layer.spec.op));
}

}  // namespace

void write_add(const OnnxLayer& layer) {
  const std::vector<std::string>& inputs = layer.spec.inputs;
  std::string sum = inputs[0];
  for (size_t i = 1; i < inputs.size(); ++i)
    sum = layer.graph.node("Add", {sum, inputs[i]},
                           i + 1 == inputs.size() ? layer.name() : layer.part("sum" + std::to_string(i)));
}

void write_multiply(const OnnxLayer& layer) { layer.graph.node("Mul", layer.spec.inputs, layer.name()); }

void write_relu(const OnnxLayer& layer) { layer.graph.node("Relu", {layer.x()}, layer.name()); }

void write_relu6(const OnnxLayer& layer) {
  layer.graph.node("Clip", {layer.x(), layer.graph.scalar(0.0F), layer.graph.scalar(6.0F)}, layer.name());
}

void write_sigmoid(const OnnxLayer& layer) {
  require_tolerance(layer);
  layer.graph.node("Sigmoid", {layer.x()}, layer.name());
}

void write_swish(const OnnxLayer& layer) {
  require_tolerance(layer);
  const std::string sigmoid = layer.graph.node("Sigmoid", {layer.x()}, layer.part("sigmoid"));
  layer.graph.node("Mul", {layer.x(), sigmoid}, layer.name());
}

// x * min(max(x + 3, 0), 6) / 6, from left to right.
void write_hard_swish(const OnnxLayer& layer) {
  if (!layer.must_be_exact()) {
    layer.graph.node("HardSwish", {layer.x()}, layer.name());
    return;
  }
  const std::string product = layer.graph.node("Mul", {layer.x(), clamp6_of_shifted(layer)}, layer.part("product"));
  layer.graph.node("Div", {product, layer.graph.scalar(6.0F)}, layer.name());
}

void write_hard_sigmoid(const OnnxLayer& layer) {
  if (!layer.must_be_exact()) {
    layer.graph.node("HardSigmoid", {layer.x()}, layer.name(), {attribute("alpha", 1.0F / 6.0F)});
    return;
  }
  layer.graph.node("Div", {clamp6_of_shifted(layer), layer.graph.scalar(6.0F)}, layer.name());
}

}  // namespace carat
