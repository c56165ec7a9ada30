// SPDX-License-Identifier: Apache-2.0
#include "stages/allocation_options.h"

#include <algorithm>

#include "base/fail.h"
#include "stages/sensitivity_run.h"

namespace carat {
namespace {

using Allocation = std::map<std::string, double>;

// Bounds as far as the sensitivity stage measures.
std::vector<AllocationLayer> within_measured(std::vector<AllocationLayer> layers,
                                             const std::map<std::string, double>& measured) {
  for (AllocationLayer& layer : layers) {
    if (layer.lowest == layer.highest) continue;
    const auto found = measured.find(layer.name);
    require(found != measured.end(), "prune: sensitivity measures no layer {}", layer.name);
    layer.highest = std::min(layer.highest, found->second);
  }
  return layers;
}

Allocation clamped(const std::vector<AllocationLayer>& layers, double sparsity) {
  Allocation allocation;
  for (const AllocationLayer& layer : layers)
    allocation[layer.name] = std::clamp(sparsity, layer.lowest, layer.highest);
  return allocation;
}

}  // namespace

void AllocationOptions::describe(OptionTable& table) {
  table.number("target_sparsity", target, {0, 1, "[0, 1)"}, "zeros over all prunable weights");
  table.choice("allocation", kind, {"sensitivity", "global", "global_raw", "uniform", "erk", "loss", "score", "list"},
               "how the target is shared between layers; global: one threshold on scores in units of each layer's root "
               "mean square, global_raw: on the scores themselves; erk: by the shape of the weights; loss: as much as "
               "target_rise allows, score: as much as target_score needs, both from a sensitivity stage; "
               "list: sparsities");
  table.number("target_rise", rise, {0, 100, "(0, 100]"},
               "allocation loss: what the rises of the layers' losses may add up to, in nats");
  table.number("target_score", score, {0, 1e6, "[0, 1e6]"},
               "allocation score: the strict score on the recipe's track, after quantize with planned_bits and fuse");
  table.group("planned_bits", "what target_score and the scores in allocation.csv are predicted at",
              [this](OptionTable& inner) {
                inner.integer("weights", weight_bits, {2, 16}, "bits per weight");
                inner.integer("activations", activation_bits, {1, 16}, "bits per activation");
              });
  table.numbers("sparsities", list, {0, 1, "[0, 1)"}, "allocation list: one for every layer with weights, in order");
  table.number("max_sparsity", highest, {0, 1, "[0, 1)"}, "no layer is pruned further than this");
}

Allocation AllocationOptions::plan(const std::vector<AllocationLayer>& layers, const ModelGraph& masked,
                                   Prediction& prediction) const {
  if (kind == "list") return listed(layers);
  if (!reads_curves()) return allocate_uniformly(layers, target);
  require(!prediction.measured.empty(),
          "prune: allocation: {} needs a sensitivity stage of sparsities before; add one or choose global", kind);
  const std::vector<AllocationLayer> bounded = within_measured(layers, prediction.measured);
  if (kind == "score") return plan_score(bounded, masked, prediction);
  return kind == "loss" ? clamped(bounded, target) : allocate_uniformly(bounded, target);
}

Allocation AllocationOptions::plan_score(const std::vector<AllocationLayer>& layers, const ModelGraph& masked,
                                         Prediction& prediction) const {
  require(score > 0.0, "prune.target_score: expected a score above 0 with allocation: score, got {}", score);
  prediction.planned_bits = {weight_bits, activation_bits};
  const PlannedScore scores = scorer(masked, prediction.track);
  const double from = scores.score(clamped(layers, 0.0));
  const double to = scores.score(clamped(layers, 1.0));
  require(to <= score,
          "prune: target_score {} is out of reach on track {} with {}-bit weights and {}-bit activations, the layers' "
          "bounds and measured sparsities allow {:.6f} at least",
          score, prediction.track.name, weight_bits, activation_bits, to);
  prediction.notes.push_back(fmt::format(
      "prune: target_score {} on track {} after quantize ({}-bit weights, {}-bit activations) and fuse: {:.6f} without "
      "zeros, {:.6f} at the highest sparsities; {}",
      score, prediction.track.name, weight_bits, activation_bits, from, to,
      from <= score ? "nothing to prune" : "zeros go where a unit of score costs the least loss"));
  double low = 0.0;
  double high = from <= score ? 0.0 : 1.0;
  while (high - low > 1e-4) {
    const double middle = 0.5 * (low + high);
    (scores.score(clamped(layers, middle)) <= score ? high : low) = middle;
  }
  return clamped(layers, high);
}

Allocation AllocationOptions::decide(const std::vector<AllocationLayer>& layers, const ModelGraph& masked,
                                     StageContext& context) const {
  require(!follows_weights(), "prune: allocation: {} follows the weights", kind);
  if (kind == "list") return listed(layers);
  if (kind == "erk") return allocate_erk(layers, masked, target);
  if (kind == "uniform") return allocate_uniformly(layers, target);
  const SensitivityCurves curves = curves_of(earlier_table(context, "sparsity"));
  if (kind == "loss") return allocate_by_loss(layers, curves, rise);
  if (kind == "sensitivity") return allocate_by_sensitivity(layers, curves, target);
  const std::optional<Track> track = context.track();
  require(track.has_value(), "prune: allocation: score needs a track, found none");
  const PlannedScore scores = scorer(masked, *track);
  Allocation allocation = allocate_by_score(layers, curves, scores, score);
  context.log(fmt::format("planned score {:.6f}, target_score {}", scores.score(allocation), score));
  return allocation;
}

Allocation AllocationOptions::listed(const std::vector<AllocationLayer>& layers) const {
  require(list.size() == layers.size(),
          "prune.sparsities: expected {} numbers, one for every layer with weights, got {}", layers.size(),
          list.size());
  Allocation sparsities;
  for (size_t i = 0; i < layers.size(); ++i)
    sparsities[layers[i].name] = layers[i].lowest == layers[i].highest ? layers[i].lowest : list[i];
  return sparsities;
}

}  // namespace carat
