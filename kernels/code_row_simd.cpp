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

// Without the scale.
template <bool half_away>
HWY_INLINE FloatVector code_at(FloatVector place, const CodeRow& row) {
  FloatVector whole;
  if constexpr (half_away)
    whole = hn::CopySign(hn::Floor(hn::Add(hn::Abs(place), all(0.5F))), place);
  else
    whole = hn::Round(place);
  const FloatVector clamped = hn::Min(hn::Max(whole, all(row.lowest)), all(row.highest));
  return hn::Sub(hn::IfThenElse(hn::IsNaN(place), place, clamped), all(row.zero_point));
}

template <bool half_away>
HWY_INLINE FloatVector code_of(FloatVector x, const CodeRow& row) {
  return hn::Mul(all(row.scale), code_at<half_away>(place_of(x, row), row));
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

// dx, and what the numbers add to the sums.
template <bool half_away>
HWY_INLINE FloatVector learn_from(FloatVector g, FloatVector x, const CodeRow& row, FloatVector& scale,
                                  FloatVector& zero) {
  const FloatVector place = place_of(x, row);
  const auto inside = hn::And(hn::Ge(place, all(row.lowest)), hn::Le(place, all(row.highest)));
  const FloatVector code = code_at<half_away>(place, row);
  const FloatVector rise = hn::IfThenElse(inside, hn::Sub(code, hn::Sub(place, all(row.zero_point))), code);
  scale = hn::MulAdd(g, rise, scale);
  zero = hn::Sub(zero, hn::IfThenZeroElse(inside, hn::Mul(g, all(row.scale))));
  return hn::IfThenElseZero(inside, hn::Mul(hn::Mul(g, all(row.scale)), all(row.inverse)));
}

template <bool half_away>
HWY_INLINE RowSums learn_as(const float* g, const float* x, int64_t n, const CodeRow& row, float* dx) {
  const Floats d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  FloatVector scale = hn::Zero(d);
  FloatVector zero = hn::Zero(d);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    hn::StoreU(learn_from<half_away>(hn::LoadU(d, g + i), hn::LoadU(d, x + i), row, scale, zero), d, dx + i);
  const auto rest = hn::FirstN(d, static_cast<size_t>(n - i));
  // Beyond the end g is 0: it adds nothing.
  if (i < n)
    hn::BlendedStore(
        learn_from<half_away>(hn::MaskedLoad(rest, d, g + i), hn::MaskedLoad(rest, d, x + i), row, scale, zero), rest,
        d, dx + i);
  return {hn::GetLane(hn::SumOfLanes(d, scale)), hn::GetLane(hn::SumOfLanes(d, zero))};
}

RowSums write_learned(const float* g, const float* x, int64_t n, const CodeRow& row, float* dx) {
  return row.half_away ? learn_as<true>(g, x, n, row, dx) : learn_as<false>(g, x, n, row, dx);
}

}  // namespace carat::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace carat {

HWY_EXPORT(write_codes);
HWY_EXPORT(write_gradient);
HWY_EXPORT(write_learned);

void row_codes(const float* x, int64_t n, const CodeRow& row, float* codes) {
  HWY_DYNAMIC_DISPATCH(write_codes)(x, n, row, codes);
}

void row_straight_through(const float* g, const float* x, int64_t n, const CodeRow& row, float* dx) {
  HWY_DYNAMIC_DISPATCH(write_gradient)(g, x, n, row, dx);
}

RowSums row_learned(const float* g, const float* x, int64_t n, const CodeRow& row, float* dx) {
  return HWY_DYNAMIC_DISPATCH(write_learned)(g, x, n, row, dx);
}

}  // namespace carat
#endif
