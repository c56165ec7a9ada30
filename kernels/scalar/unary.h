// SPDX-License-Identifier: Apache-2.0
// Activation functions of one number, and the exp that they use.
#pragma once

#include <cmath>

#include "kernels/scalar/portable.h"
#include "kernels/unary.h"

namespace carat::scalar {

// As kernels/float_ops.h says. Source: Cephes expf, coefficients.
CARAT_SHARED float specified_exp(float x) {
  x = x < -87.0F ? -87.0F : 87.0F < x ? 87.0F : x;
  const float n = floorf(add(multiply(x, 1.44269504F), 0.5F));
  float f = add(x, -multiply(n, 0.693359375F));
  f = add(f, -multiply(n, -2.12194440e-4F));
  float p = 1.9875691500e-4F;
  p = add(multiply(p, f), 1.3981999507e-3F);
  p = add(multiply(p, f), 8.3334519073e-3F);
  p = add(multiply(p, f), 4.1665795894e-2F);
  p = add(multiply(p, f), 1.6666665459e-1F);
  p = add(multiply(p, f), 5.0000001201e-1F);
  p = add(add(multiply(multiply(p, f), f), f), 1.0F);
  return multiply(p, float_of(static_cast<uint32_t>(static_cast<int32_t>(n) + 127) << 23));
}

CARAT_SHARED float relu(float x) { return x < 0.0F ? 0.0F : x; }

CARAT_SHARED float clamp6(float x) {
  const float positive = relu(x);
  return 6.0F < positive ? 6.0F : positive;
}

CARAT_SHARED float sigmoid(float x) { return divide(1.0F, add(1.0F, specified_exp(-x))); }

CARAT_SHARED float unary(Unary op, float x) {
  switch (op) {
    case Unary::relu:
      return relu(x);
    case Unary::relu6:
      return clamp6(x);
    case Unary::swish:
      return multiply(x, sigmoid(x));
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
