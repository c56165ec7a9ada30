// SPDX-License-Identifier: Apache-2.0
// The activation functions of float_ops.h on vectors: the same float32 operations in the same order. Included once per
// instruction set.
#include <hwy/highway.h>

#include "kernels/float_ops.h"

// NOLINTNEXTLINE(llvm-header-guard): Highway's guard, which lets every instruction set through once
#if defined(CARAT_KERNELS_UNARY_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CARAT_KERNELS_UNARY_INL_H_
#undef CARAT_KERNELS_UNARY_INL_H_
#else
#define CARAT_KERNELS_UNARY_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace carat::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

HWY_INLINE V set(float value) { return hn::Set(D(), value); }

HWY_INLINE V exponential(V x) {
  const D d;
  const hn::Rebind<uint32_t, D> du;
  const V inside = hn::Min(hn::Max(x, set(-87.0F)), set(87.0F));
  const V n = hn::Floor(hn::Add(hn::Mul(inside, set(1.44269504F)), set(0.5F)));
  V f = hn::Sub(inside, hn::Mul(n, set(0.693359375F)));
  f = hn::Sub(f, hn::Mul(n, set(-2.12194440e-4F)));
  V p = set(1.9875691500e-4F);
  p = hn::Add(hn::Mul(p, f), set(1.3981999507e-3F));
  p = hn::Add(hn::Mul(p, f), set(8.3334519073e-3F));
  p = hn::Add(hn::Mul(p, f), set(4.1665795894e-2F));
  p = hn::Add(hn::Mul(p, f), set(1.6666665459e-1F));
  p = hn::Add(hn::Mul(p, f), set(5.0000001201e-1F));
  p = hn::Add(hn::Add(hn::Mul(hn::Mul(p, f), f), f), set(1.0F));
  // 2^n: n + 127 moves into the exponent, by way of the low bits of 2^23 + n + 127.
  const auto exponent = hn::ShiftLeft<23>(hn::BitCast(du, hn::Add(n, set(8388608.0F + 127.0F))));
  return hn::Mul(p, hn::BitCast(d, exponent));
}

HWY_INLINE V clamp6(V x) { return hn::Min(hn::Max(set(0.0F), x), set(6.0F)); }

HWY_INLINE V logistic(V x) { return hn::Div(set(1.0F), hn::Add(set(1.0F), exponential(hn::Neg(x)))); }

HWY_INLINE V unary(Unary op, V x) {
  switch (op) {
    case Unary::relu:
      return hn::Max(set(0.0F), x);
    case Unary::relu6:
      return clamp6(x);
    case Unary::swish:
      return hn::Mul(x, logistic(x));
    case Unary::hard_swish:
      return hn::Div(hn::Mul(x, clamp6(hn::Add(x, set(3.0F)))), set(6.0F));
    case Unary::sigmoid:
      return logistic(x);
    case Unary::hard_sigmoid:
      return hn::Div(clamp6(hn::Add(x, set(3.0F))), set(6.0F));
  }
  return x;
}

}  // namespace carat::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
