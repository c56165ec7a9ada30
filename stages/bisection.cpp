// SPDX-License-Identifier: Apache-2.0
#include "stages/bisection.h"

#include <algorithm>

#include "base/fail.h"

namespace carat {

Bisection bisect(const std::vector<AllocationLayer>& layers, double target, double highest,
                 const std::function<double(const AllocationLayer&, double)>& sparsity_at) {
  const auto allocate = [&](double t) {
    std::map<std::string, double> allocation;
    for (const AllocationLayer& layer : layers)
      allocation[layer.name] = std::clamp(sparsity_at(layer, t), layer.lowest, layer.highest);
    return allocation;
  };
  const auto overall = [&](const std::map<std::string, double>& allocation) {
    double zeros = 0.0;
    double weights = 0.0;
    for (const AllocationLayer& layer : layers) {
      zeros += allocation.at(layer.name) * static_cast<double>(layer.weights);
      weights += static_cast<double>(layer.weights);
    }
    return zeros / weights;
  };
  const double reachable = overall(allocate(highest));
  require(reachable >= target - 1e-9,
          "prune: target_sparsity {} is out of reach, the layers' bounds and measured "
          "sparsities allow {:.4f} at most",
          target, reachable);
  double low = 0.0;
  double high = highest;
  for (int step = 0; step < 100; ++step) {
    const double middle = 0.5 * (low + high);
    (overall(allocate(middle)) >= target ? high : low) = middle;
  }
  return {allocate(high), high};
}

}  // namespace carat
