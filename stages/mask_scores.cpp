// SPDX-License-Identifier: Apache-2.0
#include "stages/mask_scores.h"

#include <cmath>

namespace carat {
namespace {

// {kernels}: what the batch norm behind a layer multiplies each kernel's results with; ones without it.
std::vector<float> norm_factors(const Network& network, const std::string& layer, size_t kernels) {
  std::vector<float> factors(kernels, 1.0F);
  const std::vector<std::string> readers = network.graph().consumers(layer);
  if (readers.size() != 1) return factors;
  const LayerSpec& norm = network.graph().layer(readers.front());
  if (norm.op != OpKind::batch_norm) return factors;
  const auto state = network.state();
  const std::vector<float> gamma = to_buffer(state.at(norm.name + ".weight")).values;
  const std::vector<float> variance = to_buffer(state.at(norm.name + ".running_var")).values;
  for (size_t k = 0; k < kernels; ++k)
    factors[k] = std::abs(gamma[k]) / std::sqrt(variance[k] + static_cast<float>(norm.epsilon));
  return factors;
}

}  // namespace

const std::vector<std::string>& criterion_names() {
  static const std::vector<std::string> names = {"magnitude", "magnitude_norm", "second_order"};
  return names;
}

LayerScores weight_scores(const Network& network, const std::string& criterion) {
  LayerScores scores;
  for (const std::string& layer : network.graph().weight_layers()) {
    const Buffer weights = to_buffer(network.dense_weights(layer));
    const auto kernels = static_cast<size_t>(weights.shape.front());
    const size_t size = weights.values.size() / kernels;
    const std::vector<float> factors =
        criterion == "magnitude_norm" ? norm_factors(network, layer, kernels) : std::vector<float>(kernels, 1.0F);
    std::vector<float>& of_layer = scores[layer];
    for (size_t i = 0; i < weights.values.size(); ++i)
      of_layer.push_back(std::abs(weights.values[i]) * factors[i / size]);
  }
  return scores;
}

}  // namespace carat
