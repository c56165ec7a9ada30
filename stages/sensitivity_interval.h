// SPDX-License-Identifier: Apache-2.0
// Measures what an allocation needs to know, and little else.
#pragma once

#include <map>
#include <string>
#include <tuple>

#include "stages/sensitivity_engine.h"

namespace carat {

struct IntervalPlan {
  int64_t images = 0;
  int64_t batch = 0;
  double target = 0.65;  // overall sparsity
};

// Keeps what a stopped analysis knew.
struct IntervalRounds {
  // Sums so far, by layer, level and images seen.
  std::map<std::tuple<std::string, double, int64_t>, PointSums> known;
  std::function<void(const PointName&, const PointSums&)> keep;  // as soon as a point has been through a round
  std::function<void(int64_t done, int64_t total, const std::string& note)> progress;
};

// All points on the first tenth of the images; then only those near the place where their layer's curve crosses the
// rise that allocate_by_sensitivity allows at the target. With every curve moved by 3 standard errors down or up that
// rise lies between two limits: a point surely below the lower or above the upper one stops, unless it is the nearest
// such point to the crossing, between which the allocation interpolates. Source: racing (Maron, Moore 1994), with
// normal intervals of paired differences. Known sums are not measured again; the outcome is the same.
void measure_by_intervals(SensitivityEngine& engine, const ModelGraph& graph, const std::vector<PointName>& points,
                          const IntervalPlan& plan, const IntervalRounds& rounds,
                          const std::function<void(const PointName&, const PointSums&)>& done);

}  // namespace carat
