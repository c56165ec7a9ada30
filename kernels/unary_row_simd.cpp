// SPDX-License-Identifier: Apache-2.0
// The activation functions of float_ops.h, SIMD: the same float32 operations in the same order.
#include "kernels/unary_row.h"

#include <algorithm>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/unary_row_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace carat::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

HWY_INLINE V set(float value) { return hn::Set(D(), value); }

HWY_INLINE V exponential(V x) {
  const D d;
  const hn::Rebind<int32_t, D> di;
  // Inputs beyond the limits are replaced at the end; in between they only must not overflow.
  const V inside = hn::Min(hn::Max(x, set(-87.0F)), set(88.0F));
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
  const auto exponent = hn::ShiftLeft<23>(hn::Add(hn::ConvertTo(di, n), hn::Set(di, 127)));
  const V y = hn::Mul(p, hn::BitCast(d, exponent));
  const V large = hn::IfThenElse(hn::Gt(x, set(88.0F)), set(std::numeric_limits<float>::max()), y);
  return hn::IfThenZeroElse(hn::Lt(x, set(-87.0F)), large);
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

void unary_floats(Unary op, const float* x, int64_t n, float* y) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(unary(op, hn::LoadU(d, x + i)), d, y + i);
  if (i == n) return;
  constexpr size_t kMost = HWY_MAX_BYTES / sizeof(float);
  float in[kMost] = {};
  float out[kMost];
  std::copy(x + i, x + n, in);
  hn::StoreU(unary(op, hn::LoadU(d, in)), d, out);
  std::copy(out, out + (n - i), y + i);
}

}  // namespace carat::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace carat {

HWY_EXPORT(unary_floats);

void unary_row(Unary op, const float* x, int64_t n, float* y) { HWY_DYNAMIC_DISPATCH(unary_floats)(op, x, n, y); }

}  // namespace carat
#endif
