// SPDX-License-Identifier: Apache-2.0
#include "base/fail.h"
#include "models/onnx/layer_writer.h"

namespace carat {
namespace {

// {1, C, 1, 1} in float32; stored as fp16 where the arithmetic says so.
std::string factors(const OnnxLayer& layer, const std::string& buffer) {
  const std::vector<float>& values = layer.model.buffer(layer.name() + buffer).values;
  const std::vector<int64_t> shape = {1, static_cast<int64_t>(values.size()), 1, 1};
  const std::string name = layer.name() + buffer;
  if (layer.spec.arithmetic == Arithmetic::float32) return layer.graph.floats(name, shape, values);
  return layer.graph.node("Cast", {layer.graph.halves(name, shape, values)}, name + "/float32",
                          {attribute("to", int64_t{onnx::TensorProto::FLOAT})});
}

// To fp16, half to even, and back.
std::string as_half(const OnnxLayer& layer, const std::string& x, const std::string& name) {
  const std::string half =
      layer.graph.node("Cast", {x}, name + "/fp16", {attribute("to", int64_t{onnx::TensorProto::FLOAT16})});
  return layer.graph.node("Cast", {half}, name, {attribute("to", int64_t{onnx::TensorProto::FLOAT})});
}

// p = k * x, y = p + b: two float32 roundings.
void write_float(const OnnxLayer& layer) {
  const std::string k = factors(layer, ".scale");
  const std::string product = layer.spec.has_bias ? layer.part("product") : layer.name();
  layer.graph.node("Mul", {layer.x(), k}, product);
  if (layer.spec.has_bias) layer.graph.node("Add", {product, factors(layer, ".bias")}, layer.name());
}

// The same with p and y rounded to fp16.
void write_strict(const OnnxLayer& layer) {
  const std::string wide = layer.graph.node("Mul", {layer.x(), factors(layer, ".scale")}, layer.part("wide_product"));
  const std::string product = as_half(layer, wide, layer.spec.has_bias ? layer.part("product") : layer.name());
  if (!layer.spec.has_bias) return;
  as_half(layer, layer.graph.node("Add", {product, factors(layer, ".bias")}, layer.part("wide_sum")), layer.name());
}

struct Row {
  Arithmetic arithmetic;
  LayerWriter write;
};

constexpr Row kArithmetics[] = {
    {Arithmetic::float32, write_float}, {Arithmetic::fp16, write_float}, {Arithmetic::fp16_strict, write_strict}};

}  // namespace

void write_scale(const OnnxLayer& layer) {
  for (const Row& row : kArithmetics)
    if (row.arithmetic == layer.spec.arithmetic) return row.write(layer);
  fail("layer {}: ONNX export has no {} arithmetic", layer.name(), name_of(layer.spec.arithmetic));
}

}  // namespace carat
