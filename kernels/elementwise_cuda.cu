// SPDX-License-Identifier: Apache-2.0
#include "kernels/fake_quant.h"
#include "kernels/launch_cuda.h"
#include "kernels/quantize.h"
#include "kernels/scalar/fake_quant.h"
#include "kernels/scale_channels.h"

namespace carat {

void quantize_codes_cuda(const float* x, int64_t n, const CodeRange& range, float* codes, void* stream) {
  launch_elements("quantize_codes", scalar::Quantize{x, range, codes}, n, stream);
}

void scale_channels_cuda(const float* x, const ScaleExtents& extents, const float* k, const float* b, float* y,
                         void* stream) {
  const int64_t n = extents.channels * extents.pixels;
  if (n == 0) return;
  if (n >= int64_t{1} << 31) throw Error("scale_channels: expected fewer than 2^31 numbers, got " + std::to_string(n));
  launch_elements("scale_channels", scalar::ScaleChannels{x, scalar::divisor_of(extents.pixels), k, b, y}, n, stream);
}

void scaled_codes_cuda(const float* x, int64_t n, const ScaleList& inverse, const CodeGrid& grid, float* codes,
                       void* stream) {
  const scalar::Scales scales = scalar::scales_of("scaled_codes", inverse, n);
  launch_elements("scaled_codes", scalar::ScaledCodes{x, scales, grid, codes}, n, stream);
}

void scaled_bytes_cuda(const float* x, int64_t n, const ScaleList& inverse, const CodeGrid& grid, uint8_t* codes,
                       void* stream) {
  const scalar::Scales scales = scalar::scales_of("scaled_bytes", inverse, n);
  launch_elements("scaled_bytes", scalar::ScaledBytes{x, scales, grid, codes}, n, stream);
}

void dequantize_codes_cuda(const float* codes, int64_t n, const ScaleList& scales, float* x, void* stream) {
  const scalar::Scales all = scalar::scales_of("dequantize_codes", scales, n);
  launch_elements("dequantize_codes", scalar::Dequantize{codes, all, x}, n, stream);
}

void fake_quantize_cuda(const float* x, int64_t n, const FakeQuantScales& scales, const CodeGrid& grid,
                        const FakeQuantResult& result, void* stream) {
  const scalar::Scales inverse = scalar::scales_of("fake_quantize", scales.inverse, n);
  const scalar::Scales forward = scalar::scales_of("fake_quantize", scales.scales, n);
  launch_elements("fake_quantize", scalar::FakeQuantize{x, inverse, forward, grid, result}, n, stream);
}

void straight_through_cuda(const CodeGradient& gradient, int64_t n, const ScaleList& inverse, const CodeGrid& grid,
                           void* stream) {
  const scalar::Scales scales = scalar::scales_of("straight_through", inverse, n);
  launch_elements("straight_through", scalar::StraightThrough{gradient, scales, grid}, n, stream);
}

void apply_mask_cuda(const float* x, const uint8_t* mask, int64_t n, float* y, void* stream) {
  launch_elements("apply_mask", scalar::ApplyMask{x, mask, y}, n, stream);
}

}  // namespace carat
