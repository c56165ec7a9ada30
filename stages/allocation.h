// SPDX-License-Identifier: Apache-2.0
// Sparsity of each layer. For an overall sparsity: equal rise of the loss, one threshold, uniform, by the layer's shape
// (allocation.cpp); where zeros cost least, for a rise of the loss or a score (efficient_allocation.cpp).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "models/graph/graph.h"
#include "stages/bisection.h"
#include "stages/planned_score.h"
#include "stages/sensitivity_table.h"

namespace carat {

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

// Erdos-Renyi-Kernel: density eps * (sum of the sides of the weight tensor) / (their product), at most 1; the one eps
// that meets the target with such layers dense. Sides: {K, C/groups, R, S}, of linear layers the first two. Bounds are
// kept the same way. Source: Evci et al. 2020 (RigL).
std::map<std::string, double> allocate_erk(const std::vector<AllocationLayer>& layers, const ModelGraph& graph,
                                           double target);

// Rise of the loss above the dense network's at a sparsity: the layer's curve made monotone, linear between the points
// and from the dense network to the first. Throws Error for a layer or a sparsity beyond what was measured.
double rise_at(const SensitivityCurves& curves, const std::string& layer, double sparsity);

// Largest overall sparsity whose layers' rises, added, stay within `rise`: sparsity goes where a zero costs least,
// along the convex envelope of each curve. Everything at its highest where that is cheaper still.
// Throws Error when a curve is missing or the fixed layers alone rise further.
std::map<std::string, double> allocate_by_loss(const std::vector<AllocationLayer>& layers,
                                               const SensitivityCurves& curves, double rise);

// The layers' rises, added, smallest for a score of at most `target`: sparsity goes where a unit of score costs the
// least loss (Lagrangian, the savings of every layer by finite differences of the scorer on a grid of 0.05); layers
// that are better left dense stay dense and have no mask. The last layer is cut back by bisection, so that the score is
// just reached. Throws Error with the reachable score when the bounds do not allow the target, or when a curve is
// missing.
std::map<std::string, double> allocate_by_score(const std::vector<AllocationLayer>& layers,
                                                const SensitivityCurves& curves, const PlannedScore& scorer,
                                                double target);

// layer,weights,resolution,sparsity,mask_bits,saved_bits,marginal_score: mask and storage in bits, saved_bits against
// the dense layer with its mask paid; marginal_score: of one weight more or less.
std::string allocation_table(const PlannedScore& scorer, const std::map<std::string, double>& allocation);

}  // namespace carat
