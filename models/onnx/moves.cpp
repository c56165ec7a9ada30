// SPDX-License-Identifier: Apache-2.0
// Operations that move or choose values.
#include "models/onnx/layer_writer.h"

namespace carat {
namespace {

// Source row (or column) of each of size: floor(i * in / size).
std::vector<int64_t> sources(int64_t in, int64_t size) {
  std::vector<int64_t> indices;
  for (int64_t i = 0; i < size; ++i) indices.push_back(i * in / size);
  return indices;
}

}  // namespace

void write_concat(const OnnxLayer& layer) {
  layer.graph.node("Concat", layer.spec.inputs, layer.name(), {attribute("axis", int64_t{1})});
}

void write_slice(const OnnxLayer& layer) {
  GraphWriter& graph = layer.graph;
  const int64_t end = layer.spec.begin + layer.spec.out_channels;
  graph.node(
      "Slice",
      {layer.x(), graph.shared_integers({layer.spec.begin}), graph.shared_integers({end}), graph.shared_integers({1})},
      layer.name());
}

// Channel g * n + i of groups g moves to i * groups + g.
void write_shuffle(const OnnxLayer& layer) {
  GraphWriter& graph = layer.graph;
  const Shape& shape = layer.out();
  const int64_t groups = layer.spec.groups;
  const std::string split = graph.node(
      "Reshape",
      {layer.x(),
       graph.integers(layer.part("groups_shape"), {0, groups, shape.channels / groups, shape.height, shape.width})},
      layer.part("groups"));
  const std::string swapped =
      graph.node("Transpose", {split}, layer.part("swapped"), {attribute("perm", std::vector<int64_t>{0, 2, 1, 3, 4})});
  graph.node("Reshape", {swapped, graph.integers(layer.part("shape"), {0, shape.channels, shape.height, shape.width})},
             layer.name());
}

// Resize divides in floating point, which is sure to give the right row for whole factors only.
void write_upsample(const OnnxLayer& layer) {
  GraphWriter& graph = layer.graph;
  const Shape& in = layer.in();
  const int64_t size = layer.spec.size;
  if (size % in.height == 0 && size % in.width == 0) {
    const int64_t rows = size / in.height;
    const int64_t columns = size / in.width;
    const std::string scales =
        graph.floats(layer.part("scales"), {4}, {1.0F, 1.0F, static_cast<float>(rows), static_cast<float>(columns)});
    graph.node("Resize", {layer.x(), "", scales}, layer.name(),
               {attribute("mode", "nearest"), attribute("nearest_mode", "floor"),
                attribute("coordinate_transformation_mode", "asymmetric")});
    return;
  }
  const std::string rows =
      graph.node("Gather", {layer.x(), graph.integers(layer.part("row"), sources(in.height, size))}, layer.part("rows"),
                 {attribute("axis", int64_t{2})});
  graph.node("Gather", {rows, graph.integers(layer.part("column"), sources(in.width, size))}, layer.name(),
             {attribute("axis", int64_t{3})});
}

void write_pad(const OnnxLayer& layer) {
  GraphWriter& graph = layer.graph;
  const int64_t before = layer.spec.padding;
  const int64_t after = before + layer.spec.extra_padding;
  const std::string border = graph.integers(layer.part("border"), {0, 0, before, before, 0, 0, after, after});
  graph.node("Pad", {layer.x(), border, graph.scalar(static_cast<float>(layer.spec.fill))}, layer.name());
}

void write_dropout(const OnnxLayer& layer) { layer.graph.node("Identity", {layer.x()}, layer.name()); }

}  // namespace carat
