// SPDX-License-Identifier: Apache-2.0
#include "models/packed/code_flow.h"

#include "models/packed/plain_layer.h"

namespace carat {

CodeFlow::CodeFlow(const ModelGraph& graph) {
  const size_t count = graph.layers().size();
  inputs.resize(count);
  readers.resize(count);
  for (size_t i = 0; i < count; ++i) {
    const LayerSpec& layer = graph.layers()[i];
    bool inputs_are_codes = true;
    for (const std::string& name : layer.inputs) {
      const auto from = static_cast<size_t>(graph.index_of(name));
      inputs[i].push_back(from);
      readers[from].push_back(i);
      inputs_are_codes = inputs_are_codes && is_codes[from];
    }
    is_codes.push_back(gives_codes(graph, layer, inputs_are_codes));
    on_codes.push_back(has_weights(layer) && layer.quant && inputs_are_codes);
  }
}

}  // namespace carat
