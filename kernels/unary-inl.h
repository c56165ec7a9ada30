// SPDX-License-Identifier: Apache-2.0
// The activation functions of float_ops.h on vectors: the same float32 operations in the same order. Included once per
// instruction set.
#include <hwy/highway.h>

#include <cmath>

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

// a * b + c, rounded once, also where there is no such instruction.
HWY_INLINE V fused(V a, V b, V c) {
#if HWY_NATIVE_FMA
  return hn::MulAdd(a, b, c);
#else
  const D d;
  HWY_ALIGN float x[hn::MaxLanes(d)];
  HWY_ALIGN float y[hn::MaxLanes(d)];
  HWY_ALIGN float z[hn::MaxLanes(d)];
  hn::Store(a, d, x);
  hn::Store(b, d, y);
  hn::Store(c, d, z);
  for (size_t i = 0; i < hn::Lanes(d); ++i) x[i] = std::fma(x[i], y[i], z[i]);
  return hn::Load(d, x);
#endif
}

HWY_INLINE V exponential(V x) {
  const D d;
  const hn::Rebind<uint32_t, D> du;
  const V to_whole = set(12582912.0F);
  const V inside = hn::Min(hn::Max(x, set(-87.0F)), set(87.0F));
  const V shifted = fused(inside, set(1.44269504F), to_whole);
  const V n = hn::Sub(shifted, to_whole);
  const V f = fused(n, set(2.12194440e-4F), fused(n, set(-0.693359375F), inside));
  V p = set(1.38145406e-3F);
  p = fused(p, f, set(8.36874545e-3F));
  p = fused(p, f, set(4.16683890e-2F));
  p = fused(p, f, set(1.66665211e-1F));
  p = fused(p, f, set(4.99999940e-1F));
  p = fused(fused(p, f, set(1.0F)), f, set(1.0F));
  return hn::BitCast(d, hn::Add(hn::BitCast(du, p), hn::ShiftLeft<23>(hn::BitCast(du, shifted))));
}

HWY_INLINE V clamp6(V x) { return hn::Min(hn::Max(set(0.0F), x), set(6.0F)); }

HWY_INLINE V one_plus_exp_of_minus(V x) { return hn::Add(set(1.0F), exponential(hn::Neg(x))); }

HWY_INLINE V unary(Unary op, V x) {
  switch (op) {
    case Unary::relu:
      return hn::Max(set(0.0F), x);
    case Unary::relu6:
      return clamp6(x);
    case Unary::swish:
      return hn::Div(x, one_plus_exp_of_minus(x));
    case Unary::hard_swish:
      return hn::Div(hn::Mul(x, clamp6(hn::Add(x, set(3.0F)))), set(6.0F));
    case Unary::sigmoid:
      return hn::Div(set(1.0F), one_plus_exp_of_minus(x));
    case Unary::hard_sigmoid:
      return hn::Div(clamp6(hn::Add(x, set(3.0F))), set(6.0F));
  }
  return x;
}

}  // namespace carat::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
