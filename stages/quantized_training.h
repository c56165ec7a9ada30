// SPDX-License-Identifier: Apache-2.0
// What training does to the scales of a quantized network.
#pragma once

#include "stages/training.h"

namespace carat {

// Scales of all quantized weights that minimise the squared error of the weights as they are now, per kernel or per
// tensor (those of a group of kernels come apart), as the 2019 winners refitted them after every epoch on CIFAR-100.
void refit_scales(Network& network);

}  // namespace carat
