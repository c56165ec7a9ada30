// SPDX-License-Identifier: Apache-2.0
#include "kernels/finish_row.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/finish_row_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace carat::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

HWY_INLINE V load(D d, const float* x) { return hn::LoadU(d, x); }
HWY_INLINE V load(D d, const int32_t* x) { return hn::ConvertTo(d, hn::LoadU(hn::Rebind<int32_t, D>(), x)); }
HWY_INLINE V load(D d, const int16_t* x) {
  return hn::ConvertTo(d, hn::PromoteTo(hn::Rebind<int32_t, D>(), hn::LoadU(hn::Rebind<int16_t, D>(), x)));
}

HWY_INLINE void store(D d, V y, float* to) { hn::StoreU(y, d, to); }
template <typename T>
HWY_INLINE void store(D /*d*/, V y, T* to) {
  const hn::Rebind<T, D> narrow;
  hn::StoreU(hn::DemoteTo(narrow, hn::ConvertTo(hn::Rebind<int32_t, D>(), y)), narrow, to);
}

// The nearest float32 that fp16 can hold, ties to even: 13 bits of the fraction go; below 2^-14 the grid is 2^-24,
// which adding and subtracting 0.5 rounds to; from 65520 on infinity.
HWY_INLINE V rounded_to_half(D d, V x) {
  const hn::Rebind<uint32_t, D> du;
  const auto bits = hn::BitCast(du, x);
  const auto sign = hn::And(bits, hn::Set(du, 0x80000000U));
  const auto magnitude = hn::Xor(bits, sign);
  const auto odd = hn::And(hn::ShiftRight<13>(magnitude), hn::Set(du, 1U));
  const auto up = hn::Add(magnitude, hn::Add(odd, hn::Set(du, 0xFFFU)));
  const V normal = hn::BitCast(d, hn::And(up, hn::Set(du, 0xFFFFE000U)));
  const V size = hn::BitCast(d, magnitude);
  const V half = hn::Set(d, 0.5F);
  const V small = hn::Sub(hn::Add(size, half), half);
  V result = hn::IfThenElse(hn::Lt(size, hn::Set(d, 6.103515625e-5F)), small, normal);
  result = hn::IfThenElse(hn::Ge(size, hn::Set(d, 65520.0F)), hn::BitCast(d, hn::Set(du, 0x7F800000U)), result);
  return hn::BitCast(d, hn::Or(hn::BitCast(du, result), sign));
}

template <bool is_strict>
HWY_INLINE V scaled(D d, V x, const RowFinish& finish) {
  V y = hn::Mul(hn::Set(d, finish.k), x);
  if constexpr (is_strict) y = rounded_to_half(d, y);
  if (!finish.has_bias) return y;
  y = hn::Add(y, hn::Set(d, finish.b));
  return is_strict ? rounded_to_half(d, y) : y;
}

HWY_INLINE V quantized(D d, V x, const CodeRange& range) {
  // Clamping first changes nothing: the limits are whole numbers.
  x = hn::Min(hn::Max(x, hn::Set(d, range.lowest)), hn::Set(d, range.highest));
  if (!range.half_away) return hn::Add(hn::Round(x), hn::Zero(d));
  const V whole = hn::Floor(hn::Add(hn::Abs(x), hn::Set(d, 0.5F)));
  return hn::Add(hn::CopySign(whole, x), hn::Zero(d));
}

template <typename X, typename Y>
HWY_INLINE void finish_all(const X* x, int64_t n, const RowFinish& finish, Y* y) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto one = [&](V v) HWY_ATTR {
    if (finish.has_scale) v = finish.is_strict ? scaled<true>(d, v, finish) : scaled<false>(d, v, finish);
    return finish.quantizes ? quantized(d, v, finish.range) : v;
  };
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) store(d, one(load(d, x + i)), y + i);
  if (i == n) return;
  constexpr size_t kMost = HWY_MAX_BYTES / sizeof(float);
  X in[kMost] = {};
  Y out[kMost];
  std::copy(x + i, x + n, in);
  store(d, one(load(d, in)), out);
  std::copy(out, out + (n - i), y + i);
}

// One exported function for every pair of types.
#define CARAT_FINISH(name, X, Y) \
  void name(const X* x, int64_t n, const RowFinish& finish, Y* y) { finish_all(x, n, finish, y); }
CARAT_FINISH(finish_short_byte, int16_t, uint8_t)
CARAT_FINISH(finish_short_short, int16_t, int16_t)
CARAT_FINISH(finish_short_float, int16_t, float)
CARAT_FINISH(finish_int_byte, int32_t, uint8_t)
CARAT_FINISH(finish_int_short, int32_t, int16_t)
CARAT_FINISH(finish_int_float, int32_t, float)
CARAT_FINISH(finish_float_byte, float, uint8_t)
CARAT_FINISH(finish_float_short, float, int16_t)
CARAT_FINISH(finish_float_float, float, float)
#undef CARAT_FINISH

}  // namespace carat::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace carat {

#define CARAT_FINISH(name, X, Y) \
  HWY_EXPORT(name);              \
  void finish_row(const X* x, int64_t n, const RowFinish& finish, Y* y) { HWY_DYNAMIC_DISPATCH(name)(x, n, finish, y); }
CARAT_FINISH(finish_short_byte, int16_t, uint8_t)
CARAT_FINISH(finish_short_short, int16_t, int16_t)
CARAT_FINISH(finish_short_float, int16_t, float)
CARAT_FINISH(finish_int_byte, int32_t, uint8_t)
CARAT_FINISH(finish_int_short, int32_t, int16_t)
CARAT_FINISH(finish_int_float, int32_t, float)
CARAT_FINISH(finish_float_byte, float, uint8_t)
CARAT_FINISH(finish_float_short, float, int16_t)
CARAT_FINISH(finish_float_float, float, float)
#undef CARAT_FINISH

}  // namespace carat
#endif
