// SPDX-License-Identifier: Apache-2.0
#include "stages/quantized_training.h"

#include <algorithm>

#include "base/fail.h"
#include "stages/quantize_weights.h"

namespace carat {

void QuantizedTraining::describe(OptionTable& table) {
  table.choice(
      "scales", scales, {"fixed", "refit", "learned"},
      "of a quantized network: as they are; those of weights fitted again after every epoch; or learned with the "
      "network, zero points too (LSQ, LSQ+)");
  table.choice("train", train, {"all", "activations", "weights"},
               "scales learned: everything, scales and zero points of activations alone, or everything but these");
  table.number("freeze_norm_after", freeze_norm_after, {0, 1, "[0, 1]"},
               "share of the steps after which batch norm keeps its running statistics; 1: never");
  oscillation.describe(table);
}

void QuantizedTraining::check(const std::string& stage, const ModelGraph& graph) const {
  const auto any = [&](const auto& is) { return std::any_of(graph.layers().begin(), graph.layers().end(), is); };
  const bool has_weight_scales =
      any([](const LayerSpec& layer) { return has_weights(layer) && layer.quant && !layer.has_unit_scale; });
  for (const auto& [value, name] :
       {std::pair{oscillation.damping, "damping"}, std::pair{oscillation.freeze_threshold, "freeze_threshold"}})
    require(value == 0.0 || has_weight_scales, "{}.{}: expected quantized weights, found none; put quantize before it",
            stage, name);
  const bool has_activation_scales =
      any([](const LayerSpec& layer) { return layer.op == OpKind::activation_quant && !layer.has_unit_scale; });
  require(scales != "refit" || has_weight_scales,
          "{}.scales: refit: expected quantized weights, found none; put quantize before it", stage);
  require(scales != "learned" || has_weight_scales || has_activation_scales,
          "{}.scales: learned: expected a quantized network, found none; put quantize before it", stage);
  require(train == "all" || scales == "learned", "{}.train: {}: expected scales: learned beside it, got {}", stage,
          train, scales);
  require(train != "activations" || has_activation_scales,
          "{}.train: activations: expected quantized activations, found none", stage);
}

LearnedParts QuantizedTraining::parts() const {
  const bool learns = scales == "learned";
  return {.weights = train != "activations",
          .weight_scales = learns && train != "activations",
          .activation_scales = learns && train != "weights"};
}

void refit_scales(Network& network) {
  for (const LayerSpec& layer : network.graph().layers()) {
    if (!has_weights(layer) || !layer.quant || layer.has_unit_scale) continue;
    const Buffer weights = to_buffer(network.dense_weights(layer.name));
    std::vector<uint8_t> kept;
    if (layer.is_masked)
      for (const float one : to_buffer(network.mask(layer.name)).values) kept.push_back(one != 0.0F ? 1 : 0);
    network.set_weight_scales(layer.name, refit_weight_scales({weights.values, kept, weights.shape[0]}, *layer.quant));
  }
}

}  // namespace carat
