// SPDX-License-Identifier: Apache-2.0
// Magnitude pruning: which weights stay, and how a target sparsity is shared between layers.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "models/weights/model.h"
#include "stages/bisection.h"
#include "stages/sensitivity_table.h"

namespace carat {

// 1 for every weight that stays: the round(sparsity * n) smallest magnitudes go, earlier indices first among equals.
// sparsity in [0, 1].
std::vector<uint8_t> magnitude_mask(const std::vector<float>& weights, double sparsity);

// Sparsity of each layer so that the zeros over all layers reach the target: every layer takes the highest sparsity at
// which its own curve has not risen by more than t above the dense loss, and the one t that meets the target is found
// by bisection. Curves are made monotone and interpolated linearly. Source: methods of the 2019 MicroNet winners (a
// sensitivity scan, each layer alone); the equal-rise rule is ours.
// Throws Error when the bounds make the target unreachable or a curve is missing.
std::map<std::string, double> allocate_by_sensitivity(const std::vector<AllocationLayer>& layers,
                                                      const SensitivityCurves& curves, double target);

// The t of that rule.
double allowed_rise(const std::vector<AllocationLayer>& layers, const SensitivityCurves& curves, double target);

// One threshold on the scores over all layers, in units of the layer's root mean square if so wished; bounds are kept.
std::map<std::string, double> allocate_globally(const std::vector<AllocationLayer>& layers,
                                                const std::map<std::string, std::vector<float>>& scores, double target,
                                                bool in_units);

std::map<std::string, double> allocate_uniformly(const std::vector<AllocationLayer>& layers, double target);

}  // namespace carat
