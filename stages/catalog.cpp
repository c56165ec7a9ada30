// SPDX-License-Identifier: Apache-2.0
#include "stages/catalog.h"

#include "base/fail.h"
#include "base/text.h"

namespace carat {

const std::vector<StageInfo>& stage_catalog() {
  static const std::vector<StageInfo> catalog = {
      {"select", 1, "takes the network of the zoo that promises the lowest score above the gate", make_select},
      {"load", 1, "starts from weights in a file", make_load},
      {"train", 2, "trains from random weights", make_train},
      {"rewrite", 1, "the same network with fewer operations: merged, replaced and dead layers", make_rewrite},
      {"sensitivity", 3, "accuracy and loss with each layer alone pruned to each sparsity, or at each width",
       make_sensitivity},
      {"prune", 3, "zeroes the weights that matter least and retrains with the dense network as teacher", make_prune},
      {"quantize", 4, "fits scales of weights per kernel and of activations per layer", make_quantize},
      {"finetune", 3, "trains the network as it is, with the dense one as teacher; masks stay", make_finetune},
      {"fuse", 1, "merges batch norm, bias and scales into one Scale layer", make_fuse},
      {"pack", 1, "writes the packed model: codes, masks and scales in one file", make_pack},
  };
  return catalog;
}

const StageInfo& stage_named(const std::string& name) {
  std::vector<std::string> names;
  for (const StageInfo& info : stage_catalog()) {
    if (info.name == name) return info;
    names.push_back(info.name);
  }
  const std::string nearest = nearest_name(name, names);
  fail("unknown stage '{}', expected one of: {}{}", name, join(names, ", "),
       nearest.empty() ? "" : "; did you mean '" + nearest + "'?");
}

Model with_graph(const Model& model, const ModelGraph& graph) {
  Model changed;
  changed.graph = graph;
  for (const auto& [name, shape] : buffer_shapes(graph)) {
    const auto found = model.buffers.find(name);
    changed.buffers[name] =
        found != model.buffers.end() && found->second.shape == shape ? found->second : Buffer{shape, {}};
  }
  for (const LayerSpec& layer : graph.layers()) {
    const auto found = model.buffers.find(layer.name + ".unrounded");
    if (layer.quant && found != model.buffers.end()) changed.buffers[found->first] = found->second;
  }
  changed.masks = model.masks;
  return changed;
}

std::vector<std::string> matched_layers(const OptionTable::Pattern& pattern,
                                        const std::vector<std::string>& candidates) {
  std::vector<std::string> found = match_layers(pattern.text, candidates);
  if (!found.empty()) return found;
  const std::string nearest = nearest_name(pattern.text, candidates);
  fail("{}:{}:{}: {}: expected a pattern that matches a layer, got '{}'; {}", pattern.at.file, pattern.at.line,
       pattern.at.column, pattern.path, pattern.text,
       nearest.empty() ? "the layers are: " + join(candidates, ", ") : "did you mean '" + nearest + "'?");
}

}  // namespace carat
