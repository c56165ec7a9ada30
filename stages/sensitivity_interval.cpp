// SPDX-License-Identifier: Apache-2.0
#include "stages/sensitivity_interval.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "stages/allocation.h"

namespace carat {
namespace {

constexpr double kErrors = 3.0 / 1.96;  // margins in 95 % intervals

// The allowed rise when every point's rise is moved by `shift` margins.
double limit_of(const ModelGraph& graph, const std::vector<PointName>& points, const std::vector<PointSums>& sums,
                double target, double shift) {
  SensitivityCurves curves;
  double highest = 0.0;
  for (size_t i = 0; i < points.size(); ++i) {
    const double rise = sums[i].mean_rise() + shift * sums[i].rise_margin();
    curves.layers[points[i].layer].push_back({points[i].level, rise});
    highest = std::max(highest, points[i].level);
  }
  std::vector<AllocationLayer> layers;
  for (const auto& [name, curve] : curves.layers)
    layers.push_back({name, graph.weight_count(graph.layer(name)), 0.0, highest});
  return allowed_rise(layers, curves, std::min(target, highest));
}

// Points that still matter: undecided ones, and the nearest decided ones on both sides.
std::vector<size_t> near_crossing(const std::vector<PointName>& points, const std::vector<PointSums>& sums, double low,
                                  double high) {
  std::vector<size_t> active;
  for (size_t begin = 0; begin < points.size();) {
    size_t end = begin;
    while (end < points.size() && points[end].layer == points[begin].layer) ++end;
    size_t first = begin;  // the last one surely allowed
    size_t last = end;     // one behind the first one surely not
    for (size_t i = begin; i < end; ++i)
      if (sums[i].mean_rise() + kErrors * sums[i].rise_margin() < low && first <= i) first = i;
    for (size_t i = end; i-- > first;)
      if (sums[i].mean_rise() - kErrors * sums[i].rise_margin() > high) last = i + 1;
    for (size_t i = first; i < std::max(last, first + 1); ++i) active.push_back(i);
    begin = end;
  }
  return active;
}

}  // namespace

void measure_by_intervals(SensitivityEngine& engine, const ModelGraph& graph, const std::vector<PointName>& points,
                          const IntervalPlan& plan, const IntervalRounds& rounds,
                          const std::function<void(const PointName&, const PointSums&)>& done) {
  if (points.empty()) return;
  std::vector<PointSums> sums(points.size());
  std::vector<size_t> active(points.size());
  for (size_t i = 0; i < active.size(); ++i) active[i] = i;
  int64_t begin = 0;
  constexpr std::array<double, 4> kShares = {0.1, 0.25, 0.5, 1.0};
  for (const double share : kShares) {
    const auto batches =
        static_cast<int64_t>(share * static_cast<double>(plan.images) / static_cast<double>(plan.batch));
    const int64_t end = share == 1.0 ? plan.images : std::max<int64_t>(1, batches) * plan.batch;
    if (end <= begin || end > plan.images) continue;
    std::vector<PointName> wanted;
    std::vector<size_t> places;
    for (const size_t i : active) {
      const auto known = rounds.known.find({points[i].layer, points[i].level, end});
      if (known != rounds.known.end()) {
        sums[i] = known->second;
        continue;
      }
      wanted.push_back(points[i]);
      places.push_back(i);
    }
    size_t place = 0;
    const auto add = [&](const PointName& name, const PointSums& more) {
      PointSums& all = sums[places[place++]];
      all.add(more);
      rounds.keep(name, all);
      rounds.progress(static_cast<int64_t>(place), static_cast<int64_t>(places.size()),
                      fmt::format("{} at {:g} on {} images", name.layer, name.level, end));
    };
    if (!wanted.empty()) engine.measure(wanted, begin, end, add);
    begin = end;
    const double low = limit_of(graph, points, sums, plan.target, -kErrors);
    const double high = limit_of(graph, points, sums, plan.target, kErrors);
    active = near_crossing(points, sums, low, high);
  }
  for (size_t i = 0; i < points.size(); ++i) done(points[i], sums[i]);
}

}  // namespace carat
