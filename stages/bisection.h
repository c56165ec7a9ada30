// SPDX-License-Identifier: Apache-2.0
// The one number by which layers share an overall sparsity.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace carat {

struct AllocationLayer {
  std::string name;
  int64_t weights = 0;
  double lowest = 0.0;  // sparsity bounds of this layer; equal when fixed
  double highest = 0.95;
};

struct Bisection {
  std::map<std::string, double> allocation;  // sparsity by layer
  double t = 0.0;
};

// Smallest t of [0, highest] whose sparsities, sparsity_at(layer, t) within each layer's bounds, weighted by the
// layers' sizes, reach the target; sparsity_at does not fall with t. 100 halvings.
// Throws Error with the sparsity that t = highest gives when that is less than the target.
Bisection bisect(const std::vector<AllocationLayer>& layers, double target, double highest,
                 const std::function<double(const AllocationLayer&, double)>& sparsity_at);

}  // namespace carat
