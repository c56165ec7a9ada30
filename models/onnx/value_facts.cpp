// SPDX-License-Identifier: Apache-2.0
#include "models/onnx/value_facts.h"

#include <algorithm>

#include "base/fail.h"
#include "models/weights/integer_range.h"

namespace carat {
namespace {

// Sums of codes run in float32 here, also where a bias follows.
void require_exact_sums(const Model& model, const LayerSpec& layer, const IntegerRange& input) {
  const IntegerRange sums = sum_range(model.buffer(layer.name + ".weight"), united(input, {0, 0}));
  require(is_exact(sums),
          "layer {}: its sums may reach {}, beyond 2^24, where float32 is no longer exact: export with --float",
          layer.name, std::max(-sums.lowest, sums.highest));
}

}  // namespace

std::vector<ValueFacts> value_facts(const Model& model) {
  const std::vector<LayerSpec>& layers = model.graph.layers();
  std::vector<ValueFacts> facts(layers.size());
  const std::map<std::string, IntegerRange> ranges = integer_ranges(model);
  for (size_t i = 0; i < layers.size(); ++i) {
    if (const auto found = ranges.find(layers[i].name); found != ranges.end()) facts[i].whole = found->second;
    if (!has_weights(layers[i]) || !layers[i].quant || !layers[i].has_unit_scale) continue;
    if (const auto input = ranges.find(layers[i].inputs.front()); input != ranges.end())
      require_exact_sums(model, layers[i], input->second);
  }
  for (size_t i = layers.size(); i-- > 0;) {
    const bool gives_codes = layers[i].op == OpKind::activation_quant || layers[i].op == OpKind::table;
    if (!gives_codes && !facts[i].decides_codes) continue;
    for (const std::string& from : layers[i].inputs)
      facts[static_cast<size_t>(model.graph.index_of(from))].decides_codes = true;
  }
  return facts;
}

}  // namespace carat
