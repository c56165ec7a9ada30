// SPDX-License-Identifier: Apache-2.0
#include "models/onnx/export.h"

#include "base/fail.h"
#include "models/onnx/layer_writer.h"

namespace carat {
namespace {

constexpr int64_t kBatch = -1;
constexpr int64_t kIrVersion = 10;  // the first that knows opset 21
constexpr int64_t kOpset = 21;

void require_codes(const ModelGraph& graph) {
  bool has_codes = false;
  for (const LayerSpec& layer : graph.layers()) {
    require(!layer.quant || layer.has_unit_scale,
            "layer {}: its scale is not fused: run the fuse stage first, or export with --float", layer.name);
    has_codes = has_codes || layer.quant;
  }
  require(has_codes, "network {}: no layer has integer codes: export with --float", graph.name());
}

std::string free_name(const ModelGraph& graph, std::string name) {
  while (graph.has(name)) name += "_";
  return name;
}

void write_layers(const Model& model, OnnxNumbers numbers, const std::string& image, GraphWriter& writer) {
  const std::vector<LayerSpec>& layers = model.graph.layers();
  const bool on_codes = numbers == OnnxNumbers::codes;
  const std::vector<ValueFacts> facts = on_codes ? value_facts(model) : std::vector<ValueFacts>(layers.size());
  for (size_t i = 0; i < layers.size(); ++i) {
    const size_t from = i == 0 ? 0 : static_cast<size_t>(model.graph.index_of(layers[i].inputs.front()));
    layer_writer(layers[i].op)({model, layers[i], numbers, facts[from], facts[i], image, writer});
    const Shape& shape = model.graph.output_shape(static_cast<int64_t>(i));
    if (layers[i].op != OpKind::linear || on_codes || i + 1 < layers.size())
      writer.describe(layers[i].name, {kBatch, shape.channels, shape.height, shape.width});
  }
}

}  // namespace

std::string to_onnx(const Model& model, OnnxNumbers numbers) {
  const ModelGraph& graph = model.graph;
  if (numbers == OnnxNumbers::codes) require_codes(graph);
  GraphWriter writer(graph.name());
  const Shape& in = graph.input().input_shape;
  const std::string image = free_name(graph, "image");
  writer.set_input(image, onnx::TensorProto::UINT8, {kBatch, in.channels, in.height, in.width});
  write_layers(model, numbers, image, writer);
  const std::string logits = writer.node("Flatten", {graph.output().name}, free_name(graph, "logits"));
  writer.set_output(logits, {kBatch, graph.shape_of(graph.output().name).elements()});

  onnx::ModelProto file;
  file.set_ir_version(kIrVersion);
  file.set_producer_name("carat");
  auto& opset = *file.add_opset_import();
  opset.set_domain("");
  opset.set_version(kOpset);
  *file.mutable_graph() = writer.graph();
  std::string bytes;
  require(file.SerializeToString(&bytes), "network {}: larger than the 2 GiB that an ONNX file can hold", graph.name());
  return bytes;
}

}  // namespace carat
