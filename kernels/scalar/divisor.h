// SPDX-License-Identifier: Apache-2.0
// Division of 31-bit numbers by one that stays: quotient = n * multiplier >> shift, multiplier = ceil(2^shift /
// divisor), shift = 31 + ceil(log2(divisor)). Exact for 0 <= n < 2^31, 1 <= divisor < 2^31. Source: Granlund and
// Montgomery 1994, theorem 4.2.
#pragma once

#include "kernels/scalar/portable.h"

namespace carat::scalar {

struct Divisor {
  uint32_t divisor = 1;
  uint32_t multiplier = 1U << 31;
  uint32_t shift = 31;

  CARAT_SHARED uint32_t quotient(uint32_t n) const {
    return static_cast<uint32_t>(static_cast<uint64_t>(n) * multiplier >> shift);
  }
};

inline Divisor divisor_of(int64_t divisor) {
  Divisor result;
  result.divisor = static_cast<uint32_t>(divisor);
  while ((int64_t{1} << (result.shift - 31)) < divisor) ++result.shift;
  const uint64_t power = uint64_t{1} << result.shift;
  result.multiplier = static_cast<uint32_t>((power + result.divisor - 1) / result.divisor);
  return result;
}

}  // namespace carat::scalar
