// SPDX-License-Identifier: Apache-2.0
#include "stages/allocation.h"

#include <algorithm>

#include "base/fail.h"
#include "stages/efficient_steps.h"

namespace carat {
namespace {

constexpr double kGrid = 0.05;

using Options = std::vector<std::vector<LayerOption>>;
using Allocation = std::map<std::string, double>;

const std::vector<SensitivityCurve>& curve_of(const SensitivityCurves& curves, const std::string& layer) {
  const auto found = curves.layers.find(layer);
  require(found != curves.layers.end() && !found->second.empty(), "prune: sensitivity measured no layer {}", layer);
  return found->second;
}

double rise_of_lowest(const SensitivityCurves& curves, const AllocationLayer& layer) {
  return layer.lowest == 0.0 ? 0.0 : rise_at(curves, layer.name, layer.lowest);
}

// Sparsities that a layer may take: its lowest, multiples of kGrid, the measured ones, its highest.
std::vector<double> sparsities_of(const AllocationLayer& layer, const SensitivityCurves& curves) {
  if (layer.lowest == layer.highest) return {layer.lowest};
  const std::vector<SensitivityCurve>& points = curve_of(curves, layer.name);
  const double highest = std::min(layer.highest, points.back().sparsity);
  std::vector<double> sparsities = {layer.lowest};
  for (int i = 1; i * kGrid < highest; ++i) sparsities.push_back(i * kGrid);
  for (const SensitivityCurve& point : points) sparsities.push_back(point.sparsity);
  sparsities.push_back(highest);
  std::erase_if(sparsities, [&](double s) { return s < layer.lowest || s > highest; });
  std::sort(sparsities.begin(), sparsities.end());
  sparsities.erase(std::unique(sparsities.begin(), sparsities.end()), sparsities.end());
  return sparsities;
}

// saving(layer, sparsity) against the layer's lowest.
template <typename Saving>
Options options_of(const std::vector<AllocationLayer>& layers, const SensitivityCurves& curves, const Saving& saving) {
  Options options(layers.size());
  for (size_t i = 0; i < layers.size(); ++i) {
    const AllocationLayer& layer = layers[i];
    const std::vector<double> sparsities = sparsities_of(layer, curves);
    if (sparsities.size() == 1) {
      options[i] = {{layer.lowest, 0.0, 0.0}};
      continue;
    }
    const double first = rise_of_lowest(curves, layer);
    for (const double sparsity : sparsities)
      options[i].push_back({sparsity, sparsity == layer.lowest ? 0.0 : saving(layer, sparsity),
                            sparsity == 0.0 ? 0.0 : rise_at(curves, layer.name, sparsity) - first});
  }
  return options;
}

Allocation lowest_of(const std::vector<AllocationLayer>& layers) {
  Allocation allocation;
  for (const AllocationLayer& layer : layers) allocation[layer.name] = layer.lowest;
  return allocation;
}

}  // namespace

double rise_at(const SensitivityCurves& curves, const std::string& layer, double sparsity) {
  double from = 0.0;
  double loss = curves.dense_loss;
  for (const SensitivityCurve& point : curve_of(curves, layer)) {
    const double next = std::max(loss, point.loss);
    if (sparsity <= point.sparsity) {
      const double share = point.sparsity == from ? 1.0 : (sparsity - from) / (point.sparsity - from);
      return loss + (next - loss) * share - curves.dense_loss;
    }
    from = point.sparsity;
    loss = next;
  }
  fail("prune: layer {}: expected a sparsity up to {}, the largest that sensitivity measured, got {}", layer, from,
       sparsity);
}

std::map<std::string, double> allocate_by_loss(const std::vector<AllocationLayer>& layers,
                                               const SensitivityCurves& curves, double rise) {
  const Options options = options_of(layers, curves, [](const AllocationLayer& layer, double sparsity) {
    return (sparsity - layer.lowest) * static_cast<double>(layer.weights);
  });
  double left = rise;
  for (const AllocationLayer& layer : layers) left -= rise_of_lowest(curves, layer);
  require(left >= 0.0, "prune: target_rise {} is out of reach, the fixed sparsities alone raise the loss by {:.6f}",
          rise, rise - left);
  Allocation allocation = lowest_of(layers);
  for (const AllocationStep& step : efficient_steps(options)) {
    const double share = step.rise() <= left ? 1.0 : left / step.rise();
    allocation[layers[step.layer].name] = step.from.sparsity + share * (step.to.sparsity - step.from.sparsity);
    left -= share * step.rise();
    if (share < 1.0) break;
  }
  return allocation;
}

std::map<std::string, double> allocate_by_score(const std::vector<AllocationLayer>& layers,
                                                const SensitivityCurves& curves, const PlannedScore& scorer,
                                                double target) {
  Allocation allocation = lowest_of(layers);
  const double start = scorer.score(allocation);
  const Options options = options_of(layers, curves, [&](const AllocationLayer& layer, double sparsity) {
    Allocation changed = allocation;
    changed[layer.name] = sparsity;
    return start - scorer.score(changed);
  });
  double score = start;
  for (const AllocationStep& step : efficient_steps(options)) {
    if (score <= target) return allocation;
    double& sparsity = allocation[layers[step.layer].name];
    sparsity = step.to.sparsity;
    score -= step.saving();
    if (score > target) continue;
    score = scorer.score(allocation);
    if (score > target) continue;
    double high = step.to.sparsity;
    for (double low = step.from.sparsity; high - low > 1e-6;) {
      sparsity = 0.5 * (low + high);
      (scorer.score(allocation) <= target ? high : low) = sparsity;
    }
    sparsity = high;
    return allocation;
  }
  score = scorer.score(allocation);
  require(score <= target,
          "prune: target_score {} is out of reach, the layers' bounds and measured sparsities allow {:.6f} at least",
          target, score);
  return allocation;
}

}  // namespace carat
