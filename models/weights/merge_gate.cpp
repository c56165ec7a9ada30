// SPDX-License-Identifier: Apache-2.0
#include "models/weights/merge_gate.h"

#include <algorithm>
#include <set>

#include "base/fail.h"

namespace carat {
namespace {

// The gate and the layers that compute its values for nobody else.
std::set<std::string> branch_of(const ModelGraph& graph, const std::string& gate) {
  std::set<std::string> gone = {gate};
  const std::string& main = graph.layer(gate).inputs.front();
  for (auto layer = graph.layers().rbegin(); layer != graph.layers().rend(); ++layer) {
    const std::vector<std::string> readers = graph.consumers(layer->name);
    const bool is_branch =
        layer->name != main && !readers.empty() &&
        std::all_of(readers.begin(), readers.end(), [&](const std::string& reader) { return gone.contains(reader); });
    if (is_branch) gone.insert(layer->name);
  }
  return gone;
}

int64_t readers_left(const ModelGraph& graph, const std::string& layer, const std::set<std::string>& gone) {
  const std::vector<std::string> readers = graph.consumers(layer);
  return std::count_if(readers.begin(), readers.end(),
                       [&](const std::string& reader) { return !gone.contains(reader); });
}

struct Place {
  std::string norm;                  // in front, or else
  std::vector<std::string> readers;  // behind
};

Place place_of(const ModelGraph& graph, const std::string& gate, const std::set<std::string>& gone) {
  const LayerSpec& front = graph.layer(graph.layer(gate).inputs.front());
  if (readers_left(graph, front.name, gone) == 0) {
    if (front.op == OpKind::batch_norm) return {front.name, {}};
    if (front.op == OpKind::relu && graph.layer(front.inputs.front()).op == OpKind::batch_norm &&
        readers_left(graph, front.inputs.front(), gone) == 1)
      return {front.inputs.front(), {}};
  }
  const std::vector<std::string> readers = graph.consumers(gate);
  for (const std::string& reader : readers)
    require(has_weights(graph.layer(reader)) && !graph.layer(reader).quant,
            "layer {}: expected a batch norm in front of the gate or only convolutions in floating point behind it, "
            "got {} in front and {} ({}) behind",
            gate, name_of(front.op), reader, name_of(graph.layer(reader).op));
  require(!readers.empty(), "layer {}: expected a gate with convolutions behind it, got the network's output", gate);
  return {"", readers};
}

ModelGraph without(const ModelGraph& graph, const std::string& gate, const std::set<std::string>& gone) {
  std::vector<LayerSpec> layers;
  for (LayerSpec layer : graph.layers()) {
    if (gone.contains(layer.name)) continue;
    std::replace(layer.inputs.begin(), layer.inputs.end(), gate, graph.layer(gate).inputs.front());
    layers.push_back(std::move(layer));
  }
  return ModelGraph(graph.name(), std::move(layers));
}

void check_is_gate(const ModelGraph& graph, const std::string& gate) {
  const std::vector<std::string> gates = gates_of(graph);
  require(std::find(gates.begin(), gates.end(), gate) != gates.end(),
          "layer {}: expected a multiply by one value per channel, got {}", gate, name_of(graph.layer(gate).op));
}

}  // namespace

std::vector<std::string> gates_of(const ModelGraph& graph) {
  std::vector<std::string> gates;
  for (const LayerSpec& layer : graph.layers()) {
    if (layer.op != OpKind::multiply) continue;
    const Shape& image = graph.shape_of(layer.inputs[0]);
    const Shape& values = graph.shape_of(layer.inputs[1]);
    if (values.height * values.width == 1 && image.height * image.width > 1) gates.push_back(layer.name);
  }
  return gates;
}

const std::string& gate_values(const ModelGraph& graph, const std::string& gate) { return graph.layer(gate).inputs[1]; }

ModelGraph merge_gate(const ModelGraph& graph, const std::string& gate) {
  check_is_gate(graph, gate);
  const std::set<std::string> gone = branch_of(graph, gate);
  place_of(graph, gate, gone);
  return without(graph, gate, gone);
}

Model merge_gate(const Model& model, const std::string& gate, const std::vector<double>& g) {
  check_is_gate(model.graph, gate);
  require(std::ssize(g) == model.graph.shape_of(gate).channels, "layer {}: expected {} values, got {}", gate,
          model.graph.shape_of(gate).channels, g.size());
  require(std::all_of(g.begin(), g.end(), [](double value) { return value >= 0.0; }),
          "layer {}: expected gate values of at least 0, got {}", gate, *std::min_element(g.begin(), g.end()));
  const std::set<std::string> gone = branch_of(model.graph, gate);
  const Place place = place_of(model.graph, gate, gone);
  Model result;
  result.graph = without(model.graph, gate, gone);
  for (const auto& [name, shape] : buffer_shapes(result.graph)) result.buffers[name] = model.buffer(name);
  for (const auto& [name, mask] : model.masks)
    if (result.graph.has(name)) result.masks[name] = mask;
  const auto scale = [](float& number, double factor) { number = static_cast<float>(number * factor); };
  for (const char* part : {".weight", ".bias"})
    for (size_t c = 0; c < g.size() && !place.norm.empty(); ++c)
      scale(result.buffer(place.norm + part).values[c], g[c]);
  for (const std::string& reader : place.readers) {
    const LayerSpec& layer = result.graph.layer(reader);
    std::vector<float>& weights = result.buffer(reader + ".weight").values;
    const int64_t groups = layer.op == OpKind::linear ? 1 : layer.groups;
    const int64_t channels = std::ssize(g) / groups;
    const int64_t taps = std::ssize(weights) / (layer.out_channels * channels);
    for (int64_t i = 0; i < std::ssize(weights); ++i) {
      const int64_t group = i / (channels * taps) / (layer.out_channels / groups);
      scale(weights[static_cast<size_t>(i)], g[static_cast<size_t>(group * channels + i / taps % channels)]);
    }
  }
  return result;
}

}  // namespace carat
