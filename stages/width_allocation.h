// SPDX-License-Identifier: Apache-2.0
// How many bits each layer's weights and inputs get, so that a score is met where it costs the least loss.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "config/options.h"
#include "stages/sensitivity_table.h"

namespace carat {

enum class Coded { weights, activations };  // activations: those that a layer reads

using WidthKey = std::pair<std::string, Coded>;  // of a layer
using Widths = std::map<WidthKey, int64_t>;      // bits

struct WidthOptions {
  double target_score = 0.0;  // 0: every layer has the bits that the recipe says
  std::vector<double> choices = {4, 5, 6, 8};
  std::vector<double> activations;

  void describe(OptionTable& table);
  bool is_on() const { return target_score > 0.0; }
  // Rising; of activations empty where the recipe's bits stay. Throws Error for choices that are no rising whole
  // numbers.
  std::vector<int64_t> widths(Coded what) const;
};

// The sensitivity quantity that measures them.
std::string quantity_of(Coded what);

// Rise of the loss by layer and bits, each layer alone.
using WidthRises = std::map<WidthKey, std::map<int64_t, double>>;
void add_rises(WidthRises& rises, const SensitivityTable& table);

// What has one width: the weights of a layer, or the activations that some layers read together.
struct WidthChoice {
  std::vector<WidthKey> keys;
  std::vector<int64_t> bits;  // to choose from, rising
};

// All start at their widest; the steps down with the largest saving of score per rise come first, along the concave
// envelope of every choice (stages/efficient_steps.h), until score(widths) is at most the target. The rises of layers
// that share a choice add up. Throws Error with the reachable score when even the narrowest do not meet the target, or
// for a layer or width that was not measured where there is a choice.
Widths allocate_widths(const std::vector<WidthChoice>& choices, const WidthRises& rises,
                       const std::function<double(const Widths&)>& score, double target);

}  // namespace carat
