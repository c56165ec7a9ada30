// SPDX-License-Identifier: Apache-2.0
#include "stages/efficient_steps.h"

#include <algorithm>

namespace carat {
namespace {

double gain(const LayerOption& from, const LayerOption& to) { return to.saving - from.saving; }
double cost(const LayerOption& from, const LayerOption& to) { return to.rise - from.rise; }

// b lies on or below the line from a to c.
bool is_below(const LayerOption& a, const LayerOption& b, const LayerOption& c) {
  return gain(a, b) * cost(b, c) <= gain(b, c) * cost(a, b);
}

std::vector<LayerOption> envelope(const std::vector<LayerOption>& options) {
  std::vector<LayerOption> kept;
  for (const LayerOption& option : options) {
    if (!kept.empty() && gain(kept.back(), option) <= 0.0) continue;
    while (kept.size() > 1 && is_below(kept[kept.size() - 2], kept.back(), option)) kept.pop_back();
    kept.push_back(option);
  }
  return kept;
}

}  // namespace

std::vector<AllocationStep> efficient_steps(const std::vector<std::vector<LayerOption>>& options) {
  std::vector<AllocationStep> steps;
  for (size_t i = 0; i < options.size(); ++i) {
    const std::vector<LayerOption> corners = envelope(options[i]);
    for (size_t j = 1; j < corners.size(); ++j) steps.push_back({i, corners[j - 1], corners[j]});
  }
  std::stable_sort(steps.begin(), steps.end(), [](const AllocationStep& a, const AllocationStep& b) {
    return a.saving() * b.rise() > b.saving() * a.rise();
  });
  return steps;
}

}  // namespace carat
