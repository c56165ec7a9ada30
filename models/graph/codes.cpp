// SPDX-License-Identifier: Apache-2.0
#include "models/graph/codes.h"

#include <algorithm>

namespace carat {

std::optional<QuantSpec> codes_of(const ModelGraph& graph, const std::string& name) {
  const LayerSpec& layer = graph.layer(name);
  if (layer.op == OpKind::activation_quant || layer.op == OpKind::table) return layer.quant;
  if (!keeps_codes(layer.op)) return std::nullopt;
  const std::optional<QuantSpec> first = codes_of(graph, layer.inputs.front());
  const bool agree = std::all_of(layer.inputs.begin(), layer.inputs.end(),
                                 [&](const std::string& from) { return codes_of(graph, from) == first; });
  return agree ? first : std::nullopt;
}

bool input_is_normalized(const ModelGraph& graph) {
  return graph.input().preprocessing && !graph.input().preprocessing->mean.empty();
}

bool input_is_codes(const ModelGraph& graph) {
  return !input_is_normalized(graph) &&
         std::any_of(graph.layers().begin(), graph.layers().end(),
                     [](const LayerSpec& layer) { return layer.quant && layer.has_unit_scale; });
}

bool holds_integers(const ModelGraph& graph, const std::string& name) {
  const LayerSpec& layer = graph.layer(name);
  const auto integer_inputs = [&] {
    return std::all_of(layer.inputs.begin(), layer.inputs.end(),
                       [&](const std::string& from) { return holds_integers(graph, from); });
  };
  switch (layer.op) {
    case OpKind::input:
      return input_is_codes(graph);
    case OpKind::activation_quant:
      return layer.has_unit_scale;
    case OpKind::table:
      return true;
    case OpKind::scale:
      return layer.arithmetic == Arithmetic::integer;
    case OpKind::conv:
    case OpKind::linear:
      return layer.quant && layer.has_unit_scale && !layer.has_bias && integer_inputs();
    case OpKind::add:
    case OpKind::relu:
      return integer_inputs();
    default:
      return keeps_codes(layer.op) && integer_inputs();
  }
}

}  // namespace carat
