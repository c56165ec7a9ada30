// SPDX-License-Identifier: Apache-2.0
#include "stages/planned_score.h"

#include <fmt/format.h>

#include <numeric>

#include "config/reader.h"
#include "models/graph/storage.h"
#include "scoring/score_sheet.h"
#include "stages/catalog.h"
#include "stages/fusion.h"
#include "stages/predicted.h"

namespace carat {

ModelGraph planned_graph(const ModelGraph& graph, int64_t weight_bits, int64_t activation_bits) {
  Prediction prediction;
  prediction.graph = graph;
  const std::unique_ptr<Stage> quantize = make_quantize();
  OptionTable table;
  quantize->describe(table);
  table.read(parse_document(
      fmt::format("{{weights: {{bits: {}}}, activations: {{bits: {}}}}}", weight_bits, activation_bits), "prediction"));
  quantize->plan(prediction);
  return fuse_graph(prediction.graph, Arithmetic::fp16);
}

KernelNonzeros PlannedScore::nonzeros(const std::map<std::string, double>& sparsities) const {
  Prediction prediction;
  prediction.graph = graph_;
  for (const auto& [layer, sparsity] : sparsities) prediction.density[layer] = 1.0 - sparsity;
  return predicted_nonzeros(prediction);
}

double PlannedScore::score_of(const KernelNonzeros& nonzeros) const {
  return make_sheet(graph_, nonzeros, track_, 0, 0).score();
}

double PlannedScore::score(const std::map<std::string, double>& sparsities) const {
  return score_of(nonzeros(sparsities));
}

double PlannedScore::marginal(const std::string& layer, const std::map<std::string, double>& sparsities) const {
  KernelNonzeros counts = nonzeros(sparsities);
  const double before = score_of(counts);
  int64_t changed = 0;
  for (int64_t& count : counts.at(layer)) {
    if (count == 0) continue;
    --count;
    ++changed;
  }
  return changed == 0 ? 0.0 : (before - score_of(counts)) / static_cast<double>(changed);
}

namespace {

WeightStorage storage_of(const ModelGraph& graph, const std::string& layer, const KernelNonzeros& nonzeros) {
  const std::vector<int64_t>& kernels = nonzeros.at(layer);
  return weight_storage(graph.layer(layer), graph.weight_count(graph.layer(layer)),
                        std::accumulate(kernels.begin(), kernels.end(), int64_t{0}));
}

}  // namespace

int64_t PlannedScore::mask_bits(const std::string& layer, double sparsity) const {
  return storage_of(graph_, layer, nonzeros({{layer, sparsity}})).mask_bits;
}

int64_t PlannedScore::stored_bits(const std::string& layer, double sparsity) const {
  return storage_of(graph_, layer, nonzeros({{layer, sparsity}})).total_bits();
}

}  // namespace carat
