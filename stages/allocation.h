// SPDX-License-Identifier: Apache-2.0
// Sparsity of each layer for a target: by the layer's shape, for a rise of the loss, for a score. Equal rise, global
// and uniform sparsity are in magnitude.h.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "models/graph/graph.h"
#include "stages/bisection.h"
#include "stages/planned_score.h"
#include "stages/sensitivity_table.h"

namespace carat {

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
