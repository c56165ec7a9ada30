// SPDX-License-Identifier: Apache-2.0
#include "stages/allocation.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/fail.h"

namespace carat {
namespace {

// Highest sparsity at which the monotone, interpolated curve stays within limit.
double sparsity_within(const SensitivityCurves& curves, const std::vector<SensitivityCurve>& points, double limit) {
  double sparsity = 0.0;
  double loss = curves.dense_loss;
  for (const SensitivityCurve& point : points) {
    const double next_loss = std::max(loss, point.loss);
    if (next_loss > limit) return sparsity + (point.sparsity - sparsity) * (limit - loss) / (next_loss - loss);
    sparsity = point.sparsity;
    loss = next_loss;
  }
  return sparsity;
}

double root_mean_square(const std::vector<float>& values) {
  double sum = 0.0;
  for (const float value : values) sum += static_cast<double>(value) * value;
  return std::sqrt(sum / static_cast<double>(values.size()));
}

Bisection by_sensitivity(const std::vector<AllocationLayer>& layers, const SensitivityCurves& curves, double target) {
  double highest = curves.dense_loss;
  for (const AllocationLayer& layer : layers) {
    const auto found = curves.layers.find(layer.name);
    require(found != curves.layers.end() || layer.lowest == layer.highest, "prune: sensitivity measured no layer {}",
            layer.name);
    if (found == curves.layers.end()) continue;
    for (const SensitivityCurve& point : found->second) highest = std::max(highest, point.loss);
  }
  return bisect(layers, target, highest - curves.dense_loss, [&](const AllocationLayer& layer, double rise) {
    const auto found = curves.layers.find(layer.name);
    return found == curves.layers.end() ? layer.lowest
                                        : sparsity_within(curves, found->second, curves.dense_loss + rise);
  });
}

}  // namespace

std::map<std::string, double> allocate_by_sensitivity(const std::vector<AllocationLayer>& layers,
                                                      const SensitivityCurves& curves, double target) {
  return by_sensitivity(layers, curves, target).allocation;
}

double allowed_rise(const std::vector<AllocationLayer>& layers, const SensitivityCurves& curves, double target) {
  return by_sensitivity(layers, curves, target).t;
}

std::map<std::string, double> allocate_globally(const std::vector<AllocationLayer>& layers,
                                                const std::map<std::string, std::vector<float>>& scores, double target,
                                                bool in_units) {
  std::map<std::string, std::vector<double>> magnitudes;
  double highest = 0.0;
  for (const AllocationLayer& layer : layers) {
    const std::vector<float>& of_layer = scores.at(layer.name);
    const double unit = in_units ? std::max(root_mean_square(of_layer), 1e-30) : 1.0;
    std::vector<double>& sorted = magnitudes[layer.name];
    for (const float score : of_layer) sorted.push_back(score / unit);
    std::sort(sorted.begin(), sorted.end());
    highest = std::max(highest, sorted.back() * 1.001);
  }
  const auto below = [&](const AllocationLayer& layer, double threshold) {
    const std::vector<double>& sorted = magnitudes.at(layer.name);
    const auto count = std::lower_bound(sorted.begin(), sorted.end(), threshold) - sorted.begin();
    return static_cast<double>(count) / static_cast<double>(sorted.size());
  };
  return bisect(layers, target, highest, below).allocation;
}

std::map<std::string, double> allocate_uniformly(const std::vector<AllocationLayer>& layers, double target) {
  return bisect(layers, target, 1.0, [](const AllocationLayer&, double sparsity) { return sparsity; }).allocation;
}

std::map<std::string, double> allocate_erk(const std::vector<AllocationLayer>& layers, const ModelGraph& graph,
                                           double target) {
  const auto raw = [&](const std::string& name) {
    const LayerSpec& layer = graph.layer(name);
    std::vector<int64_t> sides = graph.weight_shape(layer);
    if (layer.op == OpKind::linear) sides.resize(2);
    const auto sum = static_cast<double>(std::accumulate(sides.begin(), sides.end(), int64_t{0}));
    return sum / static_cast<double>(graph.weight_count(layer));
  };
  // eps = (1 - t) / t
  return bisect(layers, target, 1.0,
                [&](const AllocationLayer& layer, double t) {
                  return t == 0.0 ? 0.0 : 1.0 - raw(layer.name) * (1.0 - t) / t;
                })
      .allocation;
}

std::string allocation_table(const PlannedScore& scorer, const std::map<std::string, double>& allocation) {
  std::string table = "layer,weights,resolution,sparsity,mask_bits,saved_bits,marginal_score\n";
  const ModelGraph& graph = scorer.graph();
  for (const std::string& layer : graph.weight_layers()) {
    const double sparsity = allocation.at(layer);
    const Shape& out = graph.shape_of(layer);
    table += fmt::format("{},{},{}x{},{:.6f},{},{},{:.4e}\n", layer, graph.weight_count(graph.layer(layer)), out.height,
                         out.width, sparsity, scorer.mask_bits(layer, sparsity),
                         scorer.stored_bits(layer, 0.0) - scorer.stored_bits(layer, sparsity),
                         scorer.marginal(layer, allocation));
  }
  return table;
}

}  // namespace carat
