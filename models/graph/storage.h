// SPDX-License-Identifier: Apache-2.0
// How many bits a weight tensor occupies: the one rule that the packer writes by and the scorer counts by.
#pragma once

#include <cstdint>

namespace carat {

struct WeightStorage {
  bool has_mask = false;
  int64_t mask_bits = 0;
  int64_t value_bits = 0;

  int64_t total_bits() const { return mask_bits + value_bits; }
};

// The smaller of dense (numel * bits) and sparse (numel mask bits + nonzeros * bits); dense when equal.
// Source: scoring rules R10, R11.
inline WeightStorage weight_storage(int64_t numel, int64_t nonzeros, int64_t bits) {
  if (numel + nonzeros * bits < numel * bits) return {true, numel, nonzeros * bits};
  return {false, 0, numel * bits};
}

}  // namespace carat
