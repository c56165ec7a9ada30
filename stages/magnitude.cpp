// SPDX-License-Identifier: Apache-2.0
#include "stages/magnitude.h"

#include <cmath>

#include "stages/mask_pattern.h"

namespace carat {

std::vector<uint8_t> magnitude_mask(const std::vector<float>& weights, double sparsity) {
  std::vector<float> magnitudes;
  for (const float weight : weights) magnitudes.push_back(std::abs(weight));
  return mask_of(magnitudes, 1, sparsity, {});
}

}  // namespace carat
