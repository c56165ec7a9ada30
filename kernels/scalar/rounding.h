// SPDX-License-Identifier: Apache-2.0
// Codes of one number.
#pragma once

#include <cmath>

#include "kernels/code_range.h"
#include "kernels/scalar/random.h"

namespace carat::scalar {

// Ties to even; magnitudes of 2^23 and more are whole already.
CARAT_SHARED float round_half_even(float x) {
#ifdef __CUDA_ARCH__
  return rintf(x);
#else
  return std::nearbyint(x);
#endif
}

// floor(|x| + 0.5) in float32, with the sign of x.
CARAT_SHARED float round_half_away(float x) { return copysignf(floorf(add(fabsf(x), 0.5F)), x); }

// floor(x), or the next whole number with the probability x - floor(x).
CARAT_SHARED float round_stochastic(float x, float unit) {
  const float low = floorf(x);
  return unit < add(x, -low) ? add(low, 1.0F) : low;
}

// The NaN 0x7FC00000 for every NaN: processors differ in the others.
CARAT_SHARED float one_nan(float x) { return x == x ? x : float_of(0x7FC00000U); }

CARAT_SHARED float clamp_code(float whole, float lowest, float highest) {
  return one_nan(add(whole < lowest ? lowest : whole > highest ? highest : whole, 0.0F));
}

CARAT_SHARED float round_code(float x, CodeRounding rounding, uint64_t seed, uint64_t index) {
  if (rounding == CodeRounding::half_even) return round_half_even(x);
  if (rounding == CodeRounding::half_away) return round_half_away(x);
  return round_stochastic(x, random_unit(seed, index));
}

}  // namespace carat::scalar
