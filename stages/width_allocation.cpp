// SPDX-License-Identifier: Apache-2.0
#include "stages/width_allocation.h"

#include <algorithm>
#include <cmath>

#include "base/fail.h"
#include "stages/efficient_steps.h"

namespace carat {
namespace {

double rise_of(const WidthRises& rises, const std::string& layer, int64_t bits) {
  const auto found = rises.find(layer);
  require(found != rises.end() && found->second.contains(bits),
          "quantize.widths: sensitivity measured no {} bits of layer {}", bits, layer);
  return found->second.at(bits);
}

}  // namespace

void WidthOptions::describe(OptionTable& table) {
  table.number(
      "target_score", target_score, {0, 1e6, "[0, 1e6]"},
      "bits of weights by layer, so that the strict score on the recipe's track after fuse is at most this, from a "
      "sensitivity stage of quantity weight_bits; layers with bits of their own keep them; 0: weights.bits");
  table.numbers("choices", choices, {2, 8, "[2, 8]"}, "bits that a layer may get, rising whole numbers");
}

std::vector<int64_t> WidthOptions::widths() const {
  std::vector<int64_t> widths;
  for (const double choice : choices) {
    require(choice == std::floor(choice) && (widths.empty() || static_cast<int64_t>(choice) > widths.back()),
            "quantize.widths.choices: expected rising whole numbers, got {}", choice);
    widths.push_back(static_cast<int64_t>(choice));
  }
  require(!widths.empty(), "quantize.widths.choices: expected at least one width, got none");
  return widths;
}

WidthRises rises_of(const SensitivityTable& table) {
  require(table.quantity == "weight_bits",
          "quantize.widths: expected the last sensitivity stage to measure quantity: weight_bits, found {}",
          table.quantity);
  WidthRises rises;
  for (const SensitivityPoint& point : table.points)
    if (point.layer != "(dense)") rises[point.layer][std::llround(point.level)] = point.sums.mean_rise();
  return rises;
}

Widths allocate_widths(const std::vector<std::string>& layers, const WidthRises& rises,
                       const std::vector<int64_t>& widths, const std::function<double(const Widths&)>& score,
                       double target) {
  Widths chosen;
  for (const std::string& layer : layers) chosen[layer] = widths.back();
  const double start = score(chosen);
  // LayerOption::sparsity holds minus the bits: it rises from option to option.
  std::vector<std::vector<LayerOption>> options(layers.size());
  for (size_t i = 0; i < layers.size(); ++i) {
    const double first = rise_of(rises, layers[i], widths.back());
    double highest = 0.0;
    for (auto bits = widths.rbegin(); bits != widths.rend(); ++bits) {
      Widths changed = chosen;
      changed[layers[i]] = *bits;
      // A narrower grid that happened to lose less is no promise.
      highest = std::max(highest, rise_of(rises, layers[i], *bits) - first);
      options[i].push_back({-static_cast<double>(*bits), start - score(changed), highest});
    }
  }
  double reached = start;
  for (const AllocationStep& step : efficient_steps(options)) {
    if (reached <= target) break;
    chosen[layers[step.layer]] = std::llround(-step.to.sparsity);
    reached = score(chosen);
  }
  require(reached <= target, "quantize.widths.target_score: {} is out of reach, the choices allow {:.6f} at least",
          target, reached);
  return chosen;
}

}  // namespace carat
