// SPDX-License-Identifier: Apache-2.0
// The activation functions of float_ops.h, SIMD: the same float32 operations in the same order.
#include "kernels/unary_row.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/unary_row_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/unary-inl.h"

HWY_BEFORE_NAMESPACE();
namespace carat::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

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
