// SPDX-License-Identifier: Apache-2.0
#include "kernels/code_row.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/code_row_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace carat::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::ScalableTag<float>;
using FloatVector = hn::Vec<Floats>;

HWY_INLINE FloatVector all(float value) { return hn::Set(Floats(), value); }

HWY_INLINE FloatVector place_of(FloatVector x, const CodeRow& row) {
  return hn::Add(hn::Mul(x, all(row.inverse)), all(row.zero_point));
}

template <bool half_away>
HWY_INLINE FloatVector code_of(FloatVector x, const CodeRow& row) {
  const FloatVector place = place_of(x, row);
  FloatVector whole;
  if constexpr (half_away)
    whole = hn::CopySign(hn::Floor(hn::Add(hn::Abs(place), all(0.5F))), place);
  else
    whole = hn::Round(place);
  const FloatVector clamped = hn::Min(hn::Max(whole, all(row.lowest)), all(row.highest));
  const FloatVector code = hn::Sub(hn::IfThenElse(hn::IsNaN(place), place, clamped), all(row.zero_point));
  return hn::Mul(all(row.scale), code);
}

HWY_INLINE FloatVector gradient_of(FloatVector g, FloatVector x, const CodeRow& row) {
  const FloatVector place = place_of(x, row);
  const auto inside = hn::And(hn::Ge(place, all(row.lowest)), hn::Le(place, all(row.highest)));
  return hn::IfThenElseZero(inside, hn::Mul(hn::Mul(g, all(row.scale)), all(row.inverse)));
}

template <bool half_away>
HWY_INLINE void codes_as(const float* x, int64_t n, const CodeRow& row, float* codes) {
  const Floats d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(code_of<half_away>(hn::LoadU(d, x + i), row), d, codes + i);
  const auto rest = hn::FirstN(d, static_cast<size_t>(n - i));
  if (i < n) hn::BlendedStore(code_of<half_away>(hn::MaskedLoad(rest, d, x + i), row), rest, d, codes + i);
}

void write_codes(const float* x, int64_t n, const CodeRow& row, float* codes) {
  row.half_away ? codes_as<true>(x, n, row, codes) : codes_as<false>(x, n, row, codes);
}

void write_gradient(const float* g, const float* x, int64_t n, const CodeRow& row, float* dx) {
  const Floats d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(gradient_of(hn::LoadU(d, g + i), hn::LoadU(d, x + i), row), d, dx + i);
  const auto rest = hn::FirstN(d, static_cast<size_t>(n - i));
  if (i < n)
    hn::BlendedStore(gradient_of(hn::MaskedLoad(rest, d, g + i), hn::MaskedLoad(rest, d, x + i), row), rest, d, dx + i);
}

}  // namespace carat::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace carat {

HWY_EXPORT(write_codes);
HWY_EXPORT(write_gradient);

void row_codes(const float* x, int64_t n, const CodeRow& row, float* codes) {
  HWY_DYNAMIC_DISPATCH(write_codes)(x, n, row, codes);
}

void row_straight_through(const float* g, const float* x, int64_t n, const CodeRow& row, float* dx) {
  HWY_DYNAMIC_DISPATCH(write_gradient)(g, x, n, row, dx);
}

}  // namespace carat
#endif
