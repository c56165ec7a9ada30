// SPDX-License-Identifier: Apache-2.0
// How many bits each layer's weights get, so that a score is met where it costs the least loss.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "config/options.h"
#include "stages/sensitivity_table.h"

namespace carat {

using Widths = std::map<std::string, int64_t>;  // bits by layer

struct WidthOptions {
  double target_score = 0.0;  // 0: every layer has the bits that the recipe says
  std::vector<double> choices = {4, 5, 6, 8};

  void describe(OptionTable& table);
  bool is_on() const { return target_score > 0.0; }
  // Rising. Throws Error for choices that are no rising whole numbers of 2 to 8.
  std::vector<int64_t> widths() const;
};

// Rise of the loss by layer and bits, each layer alone. Throws Error when the table is not of weight_bits.
using WidthRises = std::map<std::string, std::map<int64_t, double>>;
WidthRises rises_of(const SensitivityTable& table);

// All layers start at their widest; the steps down with the largest saving of score per rise come first, along the
// concave envelope of every layer (stages/efficient_steps.h), until score(widths) is at most the target. score falls
// with every width. Throws Error with the reachable score when even the narrowest do not meet the target, or for a
// layer or width that was not measured.
Widths allocate_widths(const std::vector<std::string>& layers, const WidthRises& rises,
                       const std::vector<int64_t>& widths, const std::function<double(const Widths&)>& score,
                       double target);

}  // namespace carat
