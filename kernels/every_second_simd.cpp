// SPDX-License-Identifier: Apache-2.0
#include "kernels/every_second.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/every_second_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace carat::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <typename T>
HWY_INLINE void second_values(const T* from, int64_t from_row, int64_t rows, int64_t n, T* to, int64_t to_row) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t whole = n / lanes * lanes;
  const auto rest = hn::FirstN(d, static_cast<size_t>(n - whole));
  for (int64_t i = 0; i < rows; ++i, from += from_row, to += to_row) {
    hn::Vec<decltype(d)> even, odd;
    for (int64_t j = 0; j < whole; j += lanes) {
      hn::LoadInterleaved2(d, from + 2 * j, even, odd);
      hn::StoreU(even, d, to + j);
    }
    if (whole == n) continue;
    hn::LoadInterleaved2(d, from + 2 * whole, even, odd);
    hn::StoreU(hn::IfThenElseZero(rest, even), d, to + whole);
  }
}

#define CARAT_EVERY_SECOND(name, T)                                                            \
  void name(const T* from, int64_t from_row, int64_t rows, int64_t n, T* to, int64_t to_row) { \
    second_values(from, from_row, rows, n, to, to_row);                                        \
  }
CARAT_EVERY_SECOND(second_floats, float)
CARAT_EVERY_SECOND(second_bytes, uint8_t)
CARAT_EVERY_SECOND(second_shorts, int16_t)
#undef CARAT_EVERY_SECOND

}  // namespace carat::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace carat {

#define CARAT_EVERY_SECOND(name, T)                                                                    \
  HWY_EXPORT(name);                                                                                    \
  void every_second(const T* from, int64_t from_row, int64_t rows, int64_t n, T* to, int64_t to_row) { \
    HWY_DYNAMIC_DISPATCH(name)(from, from_row, rows, n, to, to_row);                                   \
  }
CARAT_EVERY_SECOND(second_floats, float)
CARAT_EVERY_SECOND(second_bytes, uint8_t)
CARAT_EVERY_SECOND(second_shorts, int16_t)
#undef CARAT_EVERY_SECOND

}  // namespace carat
#endif
