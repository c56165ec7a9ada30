// SPDX-License-Identifier: Apache-2.0
#include "stages/width_allocation.h"

#include <algorithm>
#include <cmath>

#include "base/fail.h"
#include "stages/efficient_steps.h"

namespace carat {
namespace {

double rise_of(const WidthRises& rises, const WidthKey& key, int64_t bits) {
  const auto found = rises.find(key);
  require(found != rises.end() && found->second.contains(bits),
          "quantize.widths: sensitivity measured no {} bits of {}{}", bits,
          key.second == Coded::weights ? "layer " : "the activations in front of layer ", key.first);
  return found->second.at(bits);
}

double rise_of(const WidthRises& rises, const WidthChoice& choice, int64_t bits) {
  double sum = 0.0;
  for (const WidthKey& key : choice.keys) sum += rise_of(rises, key, bits);
  return sum;
}

void set(Widths& widths, const WidthChoice& choice, int64_t bits) {
  for (const WidthKey& key : choice.keys) widths[key] = bits;
}

}  // namespace

void WidthOptions::describe(OptionTable& table) {
  table.number(
      "target_score", target_score, {0, 1e6, "[0, 1e6]"},
      "bits by layer, so that the strict score on the recipe's track after fuse is at most this, from sensitivity "
      "stages of quantity weight_bits and activation_bits; layers with bits of their own keep them; 0: the same bits "
      "everywhere");
  table.numbers("choices", choices, {2, 8, "[2, 8]"},
                "bits that the weights of a layer may get, rising whole numbers; a single one needs no measurement");
  table.numbers("activations", activations, {2, 8, "[2, 8]"},
                "bits that the inputs of a layer may get, rising whole numbers; none: activations.bits");
}

std::vector<int64_t> WidthOptions::widths(Coded what) const {
  std::vector<int64_t> widths;
  for (const double choice : what == Coded::weights ? choices : activations) {
    require(choice == std::floor(choice) && (widths.empty() || static_cast<int64_t>(choice) > widths.back()),
            "quantize.widths.{}: expected rising whole numbers, got {}",
            what == Coded::weights ? "choices" : "activations", choice);
    widths.push_back(static_cast<int64_t>(choice));
  }
  return widths;
}

std::string quantity_of(Coded what) { return what == Coded::weights ? "weight_bits" : "activation_bits"; }

void add_rises(WidthRises& rises, const SensitivityTable& table) {
  const Coded what = table.quantity == quantity_of(Coded::weights) ? Coded::weights : Coded::activations;
  require(table.quantity == quantity_of(what), "quantize.widths: expected a sensitivity of widths, found {}",
          table.quantity);
  for (const SensitivityPoint& point : table.points)
    if (point.layer != "(dense)") rises[{point.layer, what}][std::llround(point.level)] = point.sums.mean_rise();
}

Widths allocate_widths(const std::vector<WidthChoice>& choices, const WidthRises& rises,
                       const std::function<double(const Widths&)>& score, double target) {
  Widths chosen;
  for (const WidthChoice& choice : choices) set(chosen, choice, choice.bits.back());
  const double start = score(chosen);
  // LayerOption::sparsity holds minus the bits: it rises from option to option.
  std::vector<std::vector<LayerOption>> options(choices.size());
  for (size_t i = 0; i < choices.size(); ++i) {
    if (choices[i].bits.size() == 1) continue;
    const double first = rise_of(rises, choices[i], choices[i].bits.back());
    double highest = 0.0;
    for (auto bits = choices[i].bits.rbegin(); bits != choices[i].bits.rend(); ++bits) {
      Widths changed = chosen;
      set(changed, choices[i], *bits);
      // A narrower grid that happened to lose less is no promise.
      highest = std::max(highest, rise_of(rises, choices[i], *bits) - first);
      options[i].push_back({-static_cast<double>(*bits), start - score(changed), highest});
    }
  }
  double reached = start;
  for (const AllocationStep& step : efficient_steps(options)) {
    if (reached <= target) break;
    set(chosen, choices[step.layer], std::llround(-step.to.sparsity));
    reached = score(chosen);
  }
  require(reached <= target, "quantize.widths.target_score: {} is out of reach, the choices allow {:.6f} at least",
          target, reached);
  return chosen;
}

}  // namespace carat
