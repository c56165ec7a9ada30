// SPDX-License-Identifier: Apache-2.0
// Images of a batch mixed with one another: mixup and cutmix.
#pragma once

#include <cstdint>

#include "base/random.h"
#include "data/batch.h"
#include "data/dataset.h"

namespace carat {

// Parameters of the symmetric Beta distributions from which a batch's share is drawn; 0: off. With both on, each batch
// takes one of them with probability 1/2. Batches stay as they are with 1 - probability: share 1 of their own labels.
struct Mixing {
  double mixup = 0.0;
  double cutmix = 0.0;
  double probability = 1.0;
};

// Beta(alpha, alpha), alpha > 0, from two gamma variables (Marsaglia, Tsang 2000).
double symmetric_beta(double alpha, Random& random);

// Image i is mixed with image i - 1 (the first with the last), all with one share; batch.other_labels and batch.shares
// say what the loss needs: share * CE(labels) + (1 - share) * CE(other_labels).
// mixup: floor(share * image + (1 - share) * other + 1/2). Source: Zhang et al. 2018 (arXiv:1710.09412).
// cutmix: a rectangle of area 1 - share, cut off at the border, comes from the other image; the share is then that of
// the pixels that are left. Source: Yun et al. 2019 (arXiv:1905.04899), algorithm A1.
void mix(const Dataset& data, const Mixing& how, Random& random, Batch& batch);

}  // namespace carat
