// SPDX-License-Identifier: Apache-2.0
// Layer-wise optimal brain surgeon: which weights cost the loss least when the kept weights of their kernel make up for
// them, and those kept weights.
//
// For a kernel with weights w, inputs x (patches), covariance H = E[x x^T] + damping * mean(diag H) * I and energy
// g = E[(dL/dy)^2] of the gradient at its results: removing weight p and moving the others by
// -w_p / [H^-1]_pp * H^-1[:, p] raises the loss by g * w_p^2 / (2 [H^-1]_pp). Weights are removed one by one, the
// cheapest first, H^-1 losing row and column p each time; the rises sort all weights of all layers.
// Source: Hassibi, Stork 1993, eq. 5; Frantar, Alistarh 2022 (exact OBS by kernel).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/net/network.h"
#include "stages/context.h"
#include "stages/mask_scores.h"

namespace carat {

// Of one layer, float64 on the CPU: covariance by group {groups, d, d}; energy {kernels}: the squared gradients of an
// image's loss summed over its places, averaged over images.
struct LayerCurvature {
  at::Tensor covariance;
  at::Tensor energy;
};

// Of every convolution and linear layer, on the first `images` training images as evaluation sees them.
std::map<std::string, LayerCurvature> curvatures(Network& network, int64_t images, StageContext& context);

// One kernel's weights in the order of their removal, and what each removal costs.
struct RemovalOrder {
  std::vector<int64_t> weights;
  std::vector<double> costs;
};

// w {d}, covariance {d, d}, both float64 on the CPU.
RemovalOrder removal_order(const at::Tensor& w, const at::Tensor& covariance, double energy);

// The weights of `kept` (1 = stays) that give the least mean-square change of the kernel's results: w_S + H_SS^-1 H_SR
// w_R with R removed. {d}, zeros in R.
at::Tensor make_up(const at::Tensor& w, const at::Tensor& covariance, const std::vector<uint8_t>& kept);

// For every weight the cost of its removal, rising along its kernel's order, so that any threshold takes the first of
// them.
LayerScores removal_scores(const Network& network, const std::map<std::string, LayerCurvature>& curvatures);

// Kept weights of every kernel make up for the pruned ones. Masks are those of the network.
void make_up_for_masks(Network& network, const std::map<std::string, LayerCurvature>& curvatures);

}  // namespace carat
