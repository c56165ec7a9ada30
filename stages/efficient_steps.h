// SPDX-License-Identifier: Apache-2.0
// What a layer may become, and in which order changes of layers pay.
#pragma once

#include <cstddef>
#include <vector>

namespace carat {

struct LayerOption {
  double sparsity = 0.0;
  double saving = 0.0;  // against the layer's first option
  double rise = 0.0;    // of the loss
};

struct AllocationStep {
  size_t layer = 0;
  LayerOption from;
  LayerOption to;
  double saving() const { return to.saving - from.saving; }
  double rise() const { return to.rise - from.rise; }
};

// options: by layer, saving and rise not falling from option to option. The steps along the concave envelope of saving
// over rise of every layer, the largest saving per rise first; taking a beginning of them is the optimum of
// max sum(saving) - lambda * sum(rise) for some lambda.
std::vector<AllocationStep> efficient_steps(const std::vector<std::vector<LayerOption>>& options);

}  // namespace carat
