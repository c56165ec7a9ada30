// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "base/fail.h"
#include "models/graph/codes.h"
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

std::string cast(const OnnxLayer& layer, const std::string& x, int64_t type, const std::string& name) {
  return layer.graph.node("Cast", {x}, name, {attribute("to", type)});
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

// y = floor((k * x + b) / 2^shift) in float64, which holds every step exactly.
void write_integer(const OnnxLayer& layer) {
  const auto wide = [&](const std::string& buffer) {
    const std::vector<float>& values = layer.model.buffer(layer.name() + buffer).values;
    const std::vector<int64_t> shape = {1, static_cast<int64_t>(values.size()), 1, 1};
    const std::string name = layer.name() + buffer;
    return cast(layer, layer.graph.floats(name, shape, values), onnx::TensorProto::DOUBLE, name + "/float64");
  };
  std::string y = cast(layer, layer.x(), onnx::TensorProto::DOUBLE, layer.part("wide"));
  y = layer.graph.node("Mul", {y, wide(".scale")}, layer.part("product"));
  if (layer.spec.has_bias) y = layer.graph.node("Add", {y, wide(".bias")}, layer.part("sum"));
  const std::string step =
      cast(layer, layer.graph.scalar(std::ldexp(1.0F, -static_cast<int>(layer.spec.integer->shift))),
           onnx::TensorProto::DOUBLE, layer.part("step"));
  y = layer.graph.node("Mul", {y, step}, layer.part("shifted"));
  cast(layer, layer.graph.node("Floor", {y}, layer.part("whole")), onnx::TensorProto::FLOAT, layer.name());
}

struct Row {
  Arithmetic arithmetic;
  LayerWriter write;
};

constexpr Row kArithmetics[] = {{Arithmetic::float32, write_float},
                                {Arithmetic::fp16, write_float},
                                {Arithmetic::fp16_strict, write_strict},
                                {Arithmetic::integer, write_integer}};

}  // namespace

std::string as_half(const OnnxLayer& layer, const std::string& x, const std::string& name) {
  const std::string half = cast(layer, x, onnx::TensorProto::FLOAT16, name + "/fp16");
  return cast(layer, half, onnx::TensorProto::FLOAT, name);
}

void write_table(const OnnxLayer& layer) {
  const std::vector<float>& entries = layer.model.buffer(layer.name() + ".table").values;
  const int64_t lowest = codes_of(layer.model.graph, layer.spec.inputs.front())->lowest_code();
  const std::string table =
      layer.graph.floats(layer.name() + ".table", {static_cast<int64_t>(entries.size())}, entries);
  const std::string from_zero =
      layer.graph.node("Sub", {layer.x(), layer.graph.scalar(static_cast<float>(lowest))}, layer.part("from_zero"));
  const std::string index = cast(layer, from_zero, onnx::TensorProto::INT64, layer.part("index"));
  layer.graph.node("Gather", {table, index}, layer.name());
}

void write_scale(const OnnxLayer& layer) {
  for (const Row& row : kArithmetics)
    if (row.arithmetic == layer.spec.arithmetic) return row.write(layer);
  fail("layer {}: ONNX export has no {} arithmetic", layer.name(), name_of(layer.spec.arithmetic));
}

}  // namespace carat
