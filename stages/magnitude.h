// SPDX-License-Identifier: Apache-2.0
// Magnitude pruning of one layer.
#pragma once

#include <cstdint>
#include <vector>

namespace carat {

// 1 for every weight that stays: the round(sparsity * n) smallest magnitudes go, earlier indices first among equals.
// sparsity in [0, 1].
std::vector<uint8_t> magnitude_mask(const std::vector<float>& weights, double sparsity);

}  // namespace carat
