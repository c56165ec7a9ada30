// SPDX-License-Identifier: Apache-2.0
#include "base/fail.h"
#include "models/onnx/layer_writer.h"

namespace carat {
namespace {

float reciprocal(int64_t count) { return static_cast<float>(1.0 / static_cast<double>(count)); }

void require_padding(const LayerSpec& layer) {
  require(layer.padding + layer.extra_padding < layer.kernel,
          "layer {}: expected padding below the window's {} pixels, got {}", layer.name, layer.kernel,
          layer.padding + layer.extra_padding);
}

// Sum over the window row by row, then times float32(1 / kernel^2).
void write_ordered_average(const OnnxLayer& layer) {
  const LayerSpec& spec = layer.spec;
  const std::string padded = zero_padded(layer);
  std::string sum;
  for (int64_t tap = 0; tap < spec.kernel * spec.kernel; ++tap) {
    const std::string prefix = layer.part("tap" + std::to_string(tap));
    const Tap window = {prefix, 0, layer.in().channels, tap / spec.kernel, tap % spec.kernel};
    const std::string x = tap_pixels(layer, padded, window);
    sum = tap == 0 ? x : layer.graph.node("Add", {sum, x}, prefix + "/sum");
  }
  layer.graph.node("Mul", {sum, layer.graph.scalar(reciprocal(spec.kernel * spec.kernel))}, layer.name());
}

// Whole numbers may be summed in any order. Real numbers are summed pixel after pixel, as a cumulative sum is.
std::string channel_sums(const OnnxLayer& layer, int64_t pixels) {
  GraphWriter& graph = layer.graph;
  const int64_t channels = layer.out().channels;
  const std::optional<IntegerRange>& whole = layer.input.whole;
  if (whole && is_exact({whole->lowest * pixels, whole->highest * pixels}))
    return graph.node("ReduceSum", {layer.x(), graph.shared_integers({2, 3})}, layer.part("sum"));
  const std::string rows = graph.node(
      "Reshape", {layer.x(), graph.integers(layer.part("rows_shape"), {0, channels, pixels})}, layer.part("rows"));
  const std::string sums = graph.node("CumSum", {rows, graph.axis(2)}, layer.part("cumulative"));
  const std::string last = graph.node("Gather", {sums, graph.integers(layer.part("last_pixel"), {pixels - 1})},
                                      layer.part("last"), {attribute("axis", int64_t{2})});
  return graph.node("Reshape", {last, graph.integers(layer.part("shape"), {0, channels, 1, 1})}, layer.part("sum"));
}

}  // namespace

void write_max_pool(const OnnxLayer& layer) {
  require_padding(layer.spec);
  layer.graph.node("MaxPool", {layer.x()}, layer.name(), window_attributes(layer.spec));
}

void write_avg_pool(const OnnxLayer& layer) {
  if (layer.must_be_exact()) return write_ordered_average(layer);
  require_padding(layer.spec);
  OnnxAttributes attributes = window_attributes(layer.spec);
  attributes.push_back(attribute("count_include_pad", int64_t{1}));
  layer.graph.node("AveragePool", {layer.x()}, layer.name(), attributes);
}

void write_global_avg_pool(const OnnxLayer& layer) {
  if (!layer.must_be_exact()) {
    layer.graph.node("GlobalAveragePool", {layer.x()}, layer.name());
    return;
  }
  const int64_t pixels = layer.in().height * layer.in().width;
  layer.graph.node("Mul", {channel_sums(layer, pixels), layer.graph.scalar(reciprocal(pixels))}, layer.name());
}

}  // namespace carat
