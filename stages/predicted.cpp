// SPDX-License-Identifier: Apache-2.0
#include "stages/predicted.h"

#include <cmath>

#include "stages/planned_score.h"

namespace carat {

KernelNonzeros predicted_nonzeros(const Prediction& prediction) {
  KernelNonzeros nonzeros = dense_counts(prediction.graph);
  for (auto& [layer, kernels] : nonzeros) {
    const auto density = prediction.density.find(layer);
    if (density == prediction.density.end()) continue;
    for (int64_t& count : kernels) count = std::llround(static_cast<double>(count) * density->second);
  }
  return nonzeros;
}

double predicted_score(const ModelGraph& graph, const Track& track, const CompressionGuess& guess) {
  Prediction prediction;
  for (const std::string& layer : graph.weight_layers()) prediction.density[layer] = 1.0 - guess.sparsity;
  prediction.graph = planned_graph(graph, guess.weight_bits, guess.activation_bits);
  return make_sheet(prediction.graph, predicted_nonzeros(prediction), track, 0, 0).score();
}

}  // namespace carat
