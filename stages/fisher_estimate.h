// SPDX-License-Identifier: Apache-2.0
// Rises of the loss predicted from one pass of gradients, without pruning anything.
#pragma once

#include <vector>

#include "stages/sensitivity_engine.h"

namespace carat {

// Points with rise = 1/2 * sum over pruned weights of w^2 * F, F = mean over images of the squared gradient of the
// image's loss (empirical Fisher, diagonal); the smallest magnitudes are pruned. The images' losses come from the same
// pass. correct is -1: not measured.
// Source: Theis et al. 2018, eq. 6; LeCun et al. 1990.
std::vector<SensitivityPoint> fisher_estimate(const Model& model, const Dataset& data,
                                              const std::vector<int64_t>& images, const std::vector<PointName>& points,
                                              const at::Device& device);

}  // namespace carat
