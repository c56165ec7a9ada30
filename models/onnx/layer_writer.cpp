// SPDX-License-Identifier: Apache-2.0
#include "models/onnx/layer_writer.h"

#include "base/fail.h"
#include "models/graph/codes.h"

namespace carat {
namespace {

struct Row {
  OpKind op;
  LayerWriter write;
};

constexpr Row kWriters[] = {
    {OpKind::input, write_input},
    {OpKind::conv, write_conv},
    {OpKind::linear, write_linear},
    {OpKind::batch_norm, write_batch_norm},
    {OpKind::add, write_add},
    {OpKind::multiply, write_multiply},
    {OpKind::concat, write_concat},
    {OpKind::max_pool, write_max_pool},
    {OpKind::avg_pool, write_avg_pool},
    {OpKind::global_avg_pool, write_global_avg_pool},
    {OpKind::slice, write_slice},
    {OpKind::shuffle, write_shuffle},
    {OpKind::upsample, write_upsample},
    {OpKind::pad, write_pad},
    {OpKind::dropout, write_dropout},
    {OpKind::relu, write_relu},
    {OpKind::relu6, write_relu6},
    {OpKind::swish, write_swish},
    {OpKind::hard_swish, write_hard_swish},
    {OpKind::sigmoid, write_sigmoid},
    {OpKind::hard_sigmoid, write_hard_sigmoid},
    {OpKind::activation_quant, write_quantizer},
    {OpKind::scale, write_scale},
    {OpKind::table, write_table},
};

std::vector<float> as_floats(const std::vector<double>& values) { return {values.begin(), values.end()}; }

}  // namespace

LayerWriter layer_writer(OpKind op) {
  for (const Row& row : kWriters)
    if (row.op == op) return row.write;
  fail("ONNX export: no writer for the operation {}", name_of(op));
}

void write_input(const OnnxLayer& layer) {
  const ModelGraph& network = layer.model.graph;
  GraphWriter& graph = layer.graph;
  const bool is_codes = input_is_codes(network);
  const std::string pixels = graph.node("Cast", {layer.image}, is_codes ? layer.name() : layer.part("pixels"),
                                        {attribute("to", int64_t{onnx::TensorProto::FLOAT})});
  if (is_codes) return;
  const bool normalizes = input_is_normalized(network);
  const std::string unit = normalizes ? layer.part("unit") : layer.name();
  graph.node("Div", {pixels, graph.scalar(255.0F)}, unit);
  if (!normalizes) return;
  const Preprocessing& how = *layer.spec.preprocessing;
  const std::vector<int64_t> shape = {1, layer.out().channels, 1, 1};
  const std::string mean = graph.floats(layer.part("mean"), shape, as_floats(how.mean));
  const std::string deviation = graph.floats(layer.part("deviation"), shape, as_floats(how.deviation));
  const bool is_half = layer.spec.arithmetic != Arithmetic::float32;
  const std::string image = graph.node("Div", {graph.node("Sub", {unit, mean}, layer.part("centred")), deviation},
                                       is_half ? layer.part("normalized") : layer.name());
  if (is_half) as_half(layer, image, layer.name());
}

OnnxAttributes window_attributes(const LayerSpec& layer) {
  const int64_t after = layer.padding + layer.extra_padding;
  return {attribute("kernel_shape", std::vector<int64_t>{layer.kernel, layer.kernel}),
          attribute("strides", std::vector<int64_t>{layer.stride, layer.stride}),
          attribute("pads", std::vector<int64_t>{layer.padding, layer.padding, after, after})};
}

std::string zero_padded(const OnnxLayer& layer) {
  const int64_t before = layer.spec.padding;
  const int64_t after = before + layer.spec.extra_padding;
  if (after == 0) return layer.x();
  const std::string pads = layer.graph.integers(layer.part("pads"), {0, 0, before, before, 0, 0, after, after});
  return layer.graph.node("Pad", {layer.x(), pads}, layer.part("padded"));
}

std::string tap_pixels(const OnnxLayer& layer, const std::string& padded, const Tap& tap) {
  GraphWriter& graph = layer.graph;
  const int64_t stride = layer.spec.stride;
  const int64_t bottom = tap.row + (layer.out().height - 1) * stride + 1;
  const int64_t right = tap.column + (layer.out().width - 1) * stride + 1;
  const std::string begins = graph.integers(tap.name + "/begins", {tap.begin, tap.row, tap.column});
  const std::string ends = graph.integers(tap.name + "/ends", {tap.end, bottom, right});
  const std::string axes = graph.shared_integers({1, 2, 3});
  const std::string steps = graph.shared_integers({1, stride, stride});
  return graph.node("Slice", {padded, begins, ends, axes, steps}, tap.name);
}

}  // namespace carat
