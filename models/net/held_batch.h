// SPDX-License-Identifier: Apache-2.0
// One batch on its way through a network in evaluation mode, held in front of a layer: what follows can be run from
// there as often as one likes.
#pragma once

#include <vector>

#include "models/net/network.h"

namespace carat {

class HeldBatch {
 public:
  HeldBatch(Network& network, const at::Tensor& pixels)
      : network_(network), values_(network.start(pixels, Mode::evaluate)) {}

  // Runs every layer in front of this one that has not run and drops what nothing reads any more.
  void advance(size_t layer);

  // {N, classes} with `changed` and all that depends on it run anew; the batch stays where it is, in front of `changed`
  // or before. Layers that do not depend on it run once and are kept. input: instead of the first input of `changed`.
  at::Tensor logits(size_t changed, const at::Tensor& input = {});

  // Real values of a layer's first input.
  at::Tensor input_of(size_t layer) const;

 private:
  Network& network_;
  Network::Values values_;
  size_t next_ = 1;
};

// Whether each layer's result depends on that of `layer` (itself included).
std::vector<bool> dependents(const ModelGraph& graph, size_t layer);

// Numbers per image of the results that are alive in front of a layer, at most over all layers.
int64_t largest_live_set(const ModelGraph& graph);

}  // namespace carat
