// SPDX-License-Identifier: Apache-2.0
// The numbers of base/random.h by index instead of in order.
#pragma once

#include "kernels/scalar/portable.h"

namespace carat::scalar {

// Number index (from 0) of the SplitMix64 sequence that starts at seed. Source: Steele, Lea, Flood 2014.
CARAT_SHARED uint64_t random_bits(uint64_t seed, uint64_t index) {
  uint64_t z = seed + (index + 1) * 0x9E3779B97F4A7C15ULL;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

// Uniform in [0, 1): its highest 24 bits.
CARAT_SHARED float random_unit(uint64_t seed, uint64_t index) {
  return multiply(static_cast<float>(static_cast<uint32_t>(random_bits(seed, index) >> 40)), 0x1.0p-24F);
}

}  // namespace carat::scalar
