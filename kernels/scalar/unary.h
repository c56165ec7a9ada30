// SPDX-License-Identifier: Apache-2.0
// Activation functions of one number, and the exp that they use.
#pragma once

#include <cmath>

#include "kernels/scalar/portable.h"
#include "kernels/unary.h"

namespace carat::scalar {

// As kernels/float_ops.h says.
CARAT_SHARED float specified_exp(float x) {
  x = x < -87.0F ? -87.0F : 87.0F < x ? 87.0F : x;
  constexpr float kToWhole = 12582912.0F;  // 1.5 * 2^23: a sum with it has n in its low bits
  const float shifted = fused(x, 1.44269504F, kToWhole);
  const float n = add(shifted, -kToWhole);
  const float f = fused(n, 2.12194440e-4F, fused(n, -0.693359375F, x));
  float p = 1.38145406e-3F;
  p = fused(p, f, 8.36874545e-3F);
  p = fused(p, f, 4.16683890e-2F);
  p = fused(p, f, 1.66665211e-1F);
  p = fused(p, f, 4.99999940e-1F);
  p = fused(fused(p, f, 1.0F), f, 1.0F);
  return float_of(bits_of(p) + (bits_of(shifted) << 23));
}

CARAT_SHARED float relu(float x) { return x < 0.0F ? 0.0F : x; }

CARAT_SHARED float clamp6(float x) {
  const float positive = relu(x);
  return 6.0F < positive ? 6.0F : positive;
}

CARAT_SHARED float one_plus_exp_of_minus(float x) { return add(1.0F, specified_exp(-x)); }

CARAT_SHARED float sigmoid(float x) { return divide(1.0F, one_plus_exp_of_minus(x)); }

CARAT_SHARED float unary(Unary op, float x) {
  switch (op) {
    case Unary::relu:
      return relu(x);
    case Unary::relu6:
      return clamp6(x);
    case Unary::swish:
      return divide(x, one_plus_exp_of_minus(x));
    case Unary::hard_swish:
      return divide(multiply(x, clamp6(add(x, 3.0F))), 6.0F);
    case Unary::sigmoid:
      return sigmoid(x);
    case Unary::hard_sigmoid:
      return divide(clamp6(add(x, 3.0F)), 6.0F);
  }
  return x;
}

}  // namespace carat::scalar
