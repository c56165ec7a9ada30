// SPDX-License-Identifier: Apache-2.0
#include "models/onnx/value_facts.h"

#include <algorithm>

#include "base/fail.h"
#include "models/graph/codes.h"
#include "models/weights/integer_range.h"

namespace carat {
namespace {

// Partial sums in any order included, which begin at 0.
WholeRange sums_of(const Buffer& weights, const WholeRange& x) {
  WholeRange range;
  const size_t size = weights.values.size() / static_cast<size_t>(weights.shape[0]);
  for (size_t begin = 0; begin < weights.values.size(); begin += size) {
    WholeRange kernel;
    for (size_t i = begin; i < begin + size; ++i) {
      const auto w = static_cast<int64_t>(weights.values[i]);
      kernel.lowest += std::min({w * x.lowest, w * x.highest, int64_t{0}});
      kernel.highest += std::max({w * x.lowest, w * x.highest, int64_t{0}});
    }
    range = {std::min(range.lowest, kernel.lowest), std::max(range.highest, kernel.highest)};
  }
  return range;
}

std::optional<WholeRange> weighted(const Model& model, const LayerSpec& layer, const std::optional<WholeRange>& x) {
  if (!x || !layer.quant || !layer.has_unit_scale) return std::nullopt;
  const WholeRange sums = sums_of(model.buffer(layer.name + ".weight"), *x);
  require(sums.is_exact(),
          "layer {}: its sums may reach {}, beyond 2^24, where float32 is no longer exact: export with --float",
          layer.name, std::max(-sums.lowest, sums.highest));
  return layer.has_bias ? std::nullopt : std::optional(sums);
}

std::optional<WholeRange> joined(const std::vector<std::optional<WholeRange>>& inputs, bool adds) {
  WholeRange range = inputs.front().value_or(WholeRange{});
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i]) return std::nullopt;
    if (i == 0) continue;
    range = adds ? WholeRange{range.lowest + inputs[i]->lowest, range.highest + inputs[i]->highest}
                 : WholeRange{std::min(range.lowest, inputs[i]->lowest), std::max(range.highest, inputs[i]->highest)};
  }
  return range.is_exact() ? std::optional(range) : std::nullopt;
}

std::optional<WholeRange> whole_of(const Model& model, const LayerSpec& layer,
                                   const std::vector<std::optional<WholeRange>>& inputs) {
  constexpr int64_t kLargestPixel = 255;
  if (layer.op == OpKind::input)
    return input_is_codes(model.graph) ? std::optional(WholeRange{0, kLargestPixel}) : std::nullopt;
  if (layer.op == OpKind::activation_quant && layer.has_unit_scale)
    return WholeRange{layer.quant->lowest_code(), layer.quant->highest_code()};
  if (layer.op == OpKind::table || layer.integer) {
    const IntegerRange range = integer_ranges(model).at(layer.name);
    return WholeRange{range.lowest, range.highest};
  }
  if (has_weights(layer)) return weighted(model, layer, inputs[0]);
  if (layer.op == OpKind::relu && inputs[0])
    return WholeRange{std::max<int64_t>(inputs[0]->lowest, 0), std::max<int64_t>(inputs[0]->highest, 0)};
  if (layer.op == OpKind::add) return joined(inputs, true);
  if (keeps_codes(layer.op)) return joined(inputs, false);
  return std::nullopt;
}

}  // namespace

std::vector<ValueFacts> value_facts(const Model& model) {
  const std::vector<LayerSpec>& layers = model.graph.layers();
  std::vector<ValueFacts> facts(layers.size());
  for (size_t i = 0; i < layers.size(); ++i) {
    std::vector<std::optional<WholeRange>> inputs;
    for (const std::string& from : layers[i].inputs)
      inputs.push_back(facts[static_cast<size_t>(model.graph.index_of(from))].whole);
    facts[i].whole = whole_of(model, layers[i], inputs);
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
