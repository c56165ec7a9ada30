// SPDX-License-Identifier: Apache-2.0
// base/half.h's rounding of a float32 to fp16, for host and device.
#pragma once

#include "kernels/scalar/rounding.h"

namespace carat::scalar {

CARAT_SHARED float round_to_half(float value) {
  const uint32_t bits = bits_of(value);
  const uint32_t sign = bits & 0x80000000U;
  const uint32_t magnitude = bits & 0x7FFFFFFFU;
  if (magnitude > 0x7F800000U) return float_of(sign | 0x7FC00000U);
  if (magnitude >= 0x477FF000U) return float_of(sign | 0x7F800000U);
  if (magnitude < 0x38800000U) {
    const float scaled = round_half_even(multiply(float_of(magnitude), 0x1.0p24F));
    return float_of(sign | bits_of(multiply(scaled, 0x1.0p-24F)));
  }
  return float_of(sign | ((magnitude + 0x0FFFU + ((magnitude >> 13) & 1U)) & ~0x1FFFU));
}

}  // namespace carat::scalar
