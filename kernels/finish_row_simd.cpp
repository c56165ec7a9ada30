// SPDX-License-Identifier: Apache-2.0
#include "kernels/finish_row.h"

#include <algorithm>
#include <type_traits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/finish_row_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/unary-inl.h"

HWY_BEFORE_NAMESPACE();
namespace carat::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

HWY_INLINE V load(D d, const float* x) { return hn::LoadU(d, x); }
HWY_INLINE V load(D d, const int32_t* x) { return hn::ConvertTo(d, hn::LoadU(hn::Rebind<int32_t, D>(), x)); }
HWY_INLINE V load(D d, const int16_t* x) {
  return hn::ConvertTo(d, hn::PromoteTo(hn::Rebind<int32_t, D>(), hn::LoadU(hn::Rebind<int16_t, D>(), x)));
}

HWY_INLINE void store(D d, V y, float* to) { hn::StoreU(y, d, to); }
// To integers below 2^22: adding 1.5 * 2^23 rounds to the nearest, ties to even, and leaves the result in the low bits.
template <typename T>
HWY_INLINE void store(D d, V y, T* to) {
  const hn::Rebind<uint32_t, D> wide;
  const hn::Rebind<std::make_unsigned_t<T>, D> narrow;
  const auto bits = hn::BitCast(wide, hn::Add(y, hn::Set(d, 12582912.0F)));
  hn::StoreU(hn::TruncateTo(narrow, bits), narrow, reinterpret_cast<std::make_unsigned_t<T>*>(to));
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

template <bool is_strict, bool has_bias>
HWY_INLINE V scaled(D d, V x, const RowScale& scale) {
  V y = hn::Mul(hn::Set(d, scale.k), x);
  if constexpr (is_strict) y = rounded_to_half(d, y);
  if constexpr (!has_bias) return y;
  y = hn::Add(y, hn::Set(d, scale.b));
  return is_strict ? rounded_to_half(d, y) : y;
}

HWY_INLINE V scaled(D d, V x, const RowScale& scale) {
  if (scale.is_strict) return scale.has_bias ? scaled<true, true>(d, x, scale) : scaled<true, false>(d, x, scale);
  return scale.has_bias ? scaled<false, true>(d, x, scale) : scaled<false, false>(d, x, scale);
}

// Clamping first changes nothing: the limits are whole numbers. Storing integers rounds to the nearest by itself.
template <typename Y, bool half_away>
HWY_INLINE V quantized(D d, V x, const CodeRange& range) {
  x = hn::Min(hn::Max(x, hn::Set(d, range.lowest)), hn::Set(d, range.highest));
  if constexpr (!half_away) return std::is_same_v<Y, float> ? hn::Add(hn::Round(x), hn::Zero(d)) : x;
  const V whole = hn::Floor(hn::Add(hn::Abs(x), hn::Set(d, 0.5F)));
  return hn::Add(hn::CopySign(whole, x), hn::Zero(d));
}

template <typename Y>
HWY_INLINE V finished(D d, V v, const RowFinish& finish) {
  if (finish.scale.is_used) v = scaled(d, v, finish.scale);
  if (finish.has_unary) v = unary(finish.unary, v);
  if (finish.second.is_used) v = scaled(d, v, finish.second);
  if (!finish.quantizes) return v;
  return finish.range.half_away ? quantized<Y, true>(d, v, finish.range) : quantized<Y, false>(d, v, finish.range);
}

bool is_plain(const RowScale& scale, bool has_bias) {
  return scale.is_used && !scale.is_strict && scale.has_bias == has_bias;
}

// What lies behind most convolutions of a network with swish: the bias-bearing Scale layer and swish, then nothing or
// the factor of a quantizer and the quantizer, ties to even.
bool is_usual_swish(const RowFinish& finish) {
  if (!is_plain(finish.scale, true) || !finish.has_unary || finish.unary != Unary::swish) return false;
  if (!finish.quantizes) return !finish.second.is_used;
  return is_plain(finish.second, false) && !finish.range.half_away;
}

template <typename Y, bool quantizes>
HWY_INLINE V finished_swish(D d, V v, const RowFinish& finish) {
  v = unary(Unary::swish, scaled<false, true>(d, v, finish.scale));
  if constexpr (!quantizes) return v;
  return quantized<Y, false>(d, scaled<false, false>(d, v, finish.second), finish.range);
}

// y[i] = one(x[i]), a vector at a time.
template <typename X, typename Y, typename One>
HWY_INLINE void over_row(const X* x, int64_t n, Y* y, One&& one) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
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

template <typename X, typename Y>
HWY_INLINE void finish_all(const X* x, int64_t n, const RowFinish& given, Y* y) {
  const D d;
  const RowFinish finish = given;  // a copy of our own: what is written to y cannot change it
  if (!is_usual_swish(finish)) return over_row(x, n, y, [&](V v) HWY_ATTR { return finished<Y>(d, v, finish); });
  if (finish.quantizes)
    over_row(x, n, y, [&](V v) HWY_ATTR { return finished_swish<Y, true>(d, v, finish); });
  else
    over_row(x, n, y, [&](V v) HWY_ATTR { return finished_swish<Y, false>(d, v, finish); });
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
