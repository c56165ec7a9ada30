// SPDX-License-Identifier: Apache-2.0
#include "stages/predicted.h"

#include <fmt/format.h>

#include <cmath>

#include "config/reader.h"
#include "stages/catalog.h"
#include "stages/fusion.h"

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
  prediction.graph = graph;
  for (const std::string& layer : graph.weight_layers()) prediction.density[layer] = 1.0 - guess.sparsity;
  const std::unique_ptr<Stage> quantize = make_quantize();
  OptionTable table;
  quantize->describe(table);
  table.read(parse_document(
      fmt::format("{{weights: {{bits: {}}}, activations: {{bits: {}}}}}", guess.weight_bits, guess.activation_bits),
      "prediction"));
  quantize->plan(prediction);
  prediction.graph = fuse_graph(prediction.graph, Arithmetic::fp16);
  return make_sheet(prediction.graph, predicted_nonzeros(prediction), track, 0, 0).score();
}

}  // namespace carat
