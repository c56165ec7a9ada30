// SPDX-License-Identifier: Apache-2.0
// A sensitivity analysis from its options to its table: the stage's and the command's common part.
#pragma once

#include <functional>

#include "config/options.h"
#include "stages/context.h"
#include "stages/sensitivity_engine.h"

namespace carat {

struct SensitivityOptions {
  // exact: every point on every image, layers in front of the changed one run once. naive: every point runs the whole
  // network. interval: points that cannot matter to the allocation at `target` stop early. estimate: from the gradients
  // of one pass, see fisher_estimate.h.
  std::string mode = "exact";
  std::string quantity = "sparsity";
  std::vector<double> sparsities = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9};
  std::vector<double> bits = {2, 3, 4, 5, 6, 8};
  std::vector<std::string> layers;  // patterns; empty: all
  int64_t images = 2000;
  int64_t batch = 100;
  int64_t memory_mib = 4096;
  double target = 0.65;
  int64_t shard = 1;  // this process measures every shards-th layer from the shard-th on
  int64_t shards = 1;

  void describe(OptionTable& table);
  // Throws Error. stage names the options in messages.
  void check(const std::string& stage, const ModelGraph& graph) const;
  const std::vector<double>& levels() const { return quantity == "sparsity" ? sparsities : bits; }
  // In the network's order.
  std::vector<PointName> points(const ModelGraph& graph) const;
  SensitivityRequest request() const;
};

// Where the analysis keeps what it has: known points are not measured again, each new one is given to `keep` at once.
// Mode interval keeps what a layer's point has after each round as well, as one of layer "(part) LAYER".
struct SensitivitySink {
  std::vector<SensitivityPoint> known;
  std::function<void(const SensitivityPoint&)> keep;
  std::function<void(int64_t done, int64_t total, const std::string& note)> progress;
};

// images: indices into data.
SensitivityTable run_sensitivity(const Model& model, const Dataset& data, const std::vector<int64_t>& images,
                                 const SensitivityOptions& options, const at::Device& device,
                                 const SensitivitySink& sink);

// Of the latest sensitivity stage of this quantity before the context's stage. Throws Error when there is none.
SensitivityTable earlier_table(StageContext& context, const std::string& quantity);

// Spearman's rank correlation of the rises of the points that both tables have; ties share their mean rank.
double rank_correlation(const SensitivityTable& a, const SensitivityTable& b);

}  // namespace carat
