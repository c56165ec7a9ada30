// SPDX-License-Identifier: Apache-2.0
#include "kernels/fake_quant.h"

#include "base/fail.h"
#include "kernels/scalar/fake_quant.h"

namespace carat {

scalar::Scales scalar::scales_of(const char* kernel, const ScaleList& list, int64_t n) {
  require(list.count >= 1 && n % list.count == 0, "{}: expected a number of scales that divides {} numbers, got {}",
          kernel, n, list.count);
  if (list.count == 1 || n == 0) return {list.values, {}, true};
  require(n < int64_t{1} << 31, "{}: expected fewer than 2^31 numbers with {} scales, got {}", kernel, list.count, n);
  return {list.values, divisor_of(n / list.count), false};
}

void scaled_codes(const float* x, int64_t n, const ScaleList& inverse, const CodeGrid& grid, float* codes) {
  scalar::run_on_cpu(scalar::ScaledCodes{x, scalar::scales_of("scaled_codes", inverse, n), grid, codes}, n);
}

void scaled_bytes(const float* x, int64_t n, const ScaleList& inverse, const CodeGrid& grid, uint8_t* codes) {
  scalar::run_on_cpu(scalar::ScaledBytes{x, scalar::scales_of("scaled_bytes", inverse, n), grid, codes}, n);
}

void dequantize_codes(const float* codes, int64_t n, const ScaleList& scales, float* x) {
  scalar::run_on_cpu(scalar::Dequantize{codes, scalar::scales_of("dequantize_codes", scales, n), x}, n);
}

void fake_quantize(const float* x, int64_t n, const FakeQuantScales& scales, const CodeGrid& grid,
                   const FakeQuantResult& result) {
  const auto inverse = scalar::scales_of("fake_quantize", scales.inverse, n);
  scalar::run_on_cpu(
      scalar::FakeQuantize{x, inverse, scalar::scales_of("fake_quantize", scales.scales, n), grid, result}, n);
}

void straight_through(const CodeGradient& gradient, int64_t n, const ScaleList& inverse, const CodeGrid& grid) {
  scalar::run_on_cpu(scalar::StraightThrough{gradient, scalar::scales_of("straight_through", inverse, n), grid}, n);
}

void apply_mask(const float* x, const uint8_t* mask, int64_t n, float* y) {
  scalar::run_on_cpu(scalar::ApplyMask{x, mask, y}, n);
}

}  // namespace carat
