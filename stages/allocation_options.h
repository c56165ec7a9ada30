// SPDX-License-Identifier: Apache-2.0
// How prune shares zeros between layers.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "config/options.h"
#include "stages/allocation.h"
#include "stages/context.h"
#include "stages/stage.h"

namespace carat {

struct AllocationOptions {
  double target = 0.7;  // zeros over all weights; kinds loss, score and list have targets of their own
  std::string kind = "sensitivity";
  double rise = 0.5;   // loss: in nats
  double score = 0.0;  // score: strict, after quantize and fuse
  int64_t weight_bits = 4;
  int64_t activation_bits = 8;
  std::vector<double> list;
  double highest = 0.9;

  void describe(OptionTable& table);
  bool reads_curves() const { return kind == "sensitivity" || kind == "loss" || kind == "score"; }
  bool follows_weights() const { return kind == "global" || kind == "global_raw"; }

  // Sparsity by layer, uniform within the layers' bounds where measurements or weights decide later. masked: the graph
  // that prune leaves. Adds a note on what kind score will do. Throws Error when the target is out of reach whatever is
  // measured, when a sensitivity stage is missing, or a layer that it does not measure.
  std::map<std::string, double> plan(const std::vector<AllocationLayer>& layers, const ModelGraph& masked,
                                     Prediction& prediction) const;
  // Sparsity by layer, of kinds that do not follow the weights. Throws Error when the target is out of reach.
  std::map<std::string, double> decide(const std::vector<AllocationLayer>& layers, const ModelGraph& masked,
                                       StageContext& context) const;
  PlannedScore scorer(const ModelGraph& masked, const Track& track) const {
    return {masked, track, weight_bits, activation_bits};
  }

 private:
  std::map<std::string, double> listed(const std::vector<AllocationLayer>& layers) const;
  std::map<std::string, double> plan_score(const std::vector<AllocationLayer>& layers, const ModelGraph& masked,
                                           Prediction& prediction) const;
};

}  // namespace carat
