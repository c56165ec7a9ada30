// SPDX-License-Identifier: Apache-2.0
#include "models/weights/fold.h"

#include <algorithm>
#include <cmath>

namespace carat {
namespace {

// Batch-norm layers that fold, by the layer that they fold into.
std::map<std::string, std::string> foldable(const ModelGraph& graph) {
  std::map<std::string, std::string> found;
  for (const LayerSpec& layer : graph.layers()) {
    if (layer.op != OpKind::batch_norm) continue;
    const LayerSpec& before = graph.layer(layer.inputs.front());
    if (has_weights(before) && !before.quant && graph.consumers(before.name).size() == 1)
      found[before.name] = layer.name;
  }
  return found;
}

ModelGraph folded(const ModelGraph& graph, const std::map<std::string, std::string>& norms) {
  std::vector<LayerSpec> layers;
  std::map<std::string, std::string> successor;  // of a batch norm that is gone
  for (LayerSpec layer : graph.layers()) {
    for (std::string& from : layer.inputs)
      if (successor.contains(from)) from = successor.at(from);
    const auto norm = norms.find(layer.name);
    if (norm != norms.end()) {
      layer.has_bias = true;
      successor[norm->second] = layer.name;
    }
    if (!successor.contains(layer.name)) layers.push_back(std::move(layer));
  }
  return ModelGraph(graph.name(), std::move(layers));
}

}  // namespace

Affine batch_norm_affine(const Model& model, const LayerSpec& batch_norm) {
  const auto part = [&](const char* suffix) -> const std::vector<float>& {
    return model.buffer(batch_norm.name + suffix).values;
  };
  Affine affine;
  for (size_t c = 0; c < part(".weight").size(); ++c) {
    const double k = part(".weight")[c] / std::sqrt(static_cast<double>(part(".running_var")[c]) + batch_norm.epsilon);
    affine.k.push_back(k);
    affine.b.push_back(part(".bias")[c] - part(".running_mean")[c] * k);
  }
  return affine;
}

ModelGraph fold_graph(const ModelGraph& graph) { return folded(graph, foldable(graph)); }

Model fold_batch_norm(const Model& model) {
  const std::map<std::string, std::string> norms = foldable(model.graph);
  Model result;
  result.graph = folded(model.graph, norms);
  result.masks = model.masks;
  for (const auto& [name, shape] : buffer_shapes(result.graph))
    result.buffers[name] = model.buffers.contains(name) ? model.buffer(name) : Buffer{shape, {}};
  for (const auto& [name, norm] : norms) {
    const Affine affine = batch_norm_affine(model, model.graph.layer(norm));
    std::vector<float>& weights = result.buffer(name + ".weight").values;
    std::vector<float>& bias = result.buffer(name + ".bias").values;
    bias.resize(affine.k.size(), 0.0F);
    const size_t size = weights.size() / bias.size();
    for (size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(weights[i] * affine.k[i / size]);
    for (size_t c = 0; c < bias.size(); ++c) bias[c] = static_cast<float>(bias[c] * affine.k[c] + affine.b[c]);
  }
  return result;
}

}  // namespace carat
