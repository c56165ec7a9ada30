// SPDX-License-Identifier: Apache-2.0
// Removal of kernels that give a constant, and of channels that no weight reads.
#pragma once

#include <cstdint>

#include "models/weights/model.h"

namespace carat {

struct Dropped {
  int64_t kernels = 0;
  int64_t weights = 0;  // zeros included
};

// Channels go together where layers tie them: through batch norm, activation functions, pools, depthwise convolutions,
// sums, products and concatenation. Such a set goes where every convolution or linear layer that reads it either has
// only zero weights for it, or reads a constant (constants.h) that is zero, or that is not padded and can be folded:
// s = sum of w c goes into the reader's bias, or into the running mean of the batch norms that alone read it,
// mean' = mean - s. The network computes the same in evaluation, to float rounding. Repeated until nothing goes. A
// layer keeps one channel at least; image and classes stay, and so does what a shuffle, a grouped convolution that is
// not depthwise, or a layer with a mask in blocks reads or gives.
// Throws Error for quantized networks.
Dropped drop_dead_kernels(Model& model);

}  // namespace carat
