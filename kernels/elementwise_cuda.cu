// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime.h>

#include <string>

#include "base/error.h"
#include "kernels/device.h"
#include "kernels/quantize.h"
#include "kernels/scale_channels.h"

namespace carat {
namespace {

constexpr int kThreads = 256;

int blocks_for(int64_t n) { return static_cast<int>((n + kThreads - 1) / kThreads); }

void check_launch(const char* kernel) {
  const cudaError_t status = cudaGetLastError();
  if (status != cudaSuccess) throw Error(std::string(kernel) + ": " + cudaGetErrorString(status));
}

__global__ void quantize_kernel(const float* x, int64_t n, CodeRange range, float* codes) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= n) return;
  const float whole = range.half_away ? copysignf(floorf(__fadd_rn(fabsf(x[i]), 0.5F)), x[i]) : rintf(x[i]);
  codes[i] = fminf(fmaxf(whole, range.lowest), range.highest) + 0.0F;
}

__global__ void scale_kernel(const float* x, ScaleExtents extents, const float* k, const float* b, float* y) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= extents.channels * extents.pixels) return;
  const int64_t c = i / extents.pixels;
  const float product = __fmul_rn(k[c], x[i]);
  y[i] = b != nullptr ? __fadd_rn(product, b[c]) : product;
}

}  // namespace

void quantize_codes_cuda(const float* x, int64_t n, const CodeRange& range, float* codes, void* stream) {
  if (n == 0) return;
  quantize_kernel<<<blocks_for(n), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(x, n, range, codes);
  check_launch("quantize_codes");
}

void scale_channels_cuda(const float* x, const ScaleExtents& extents, const float* k, const float* b, float* y,
                         void* stream) {
  const int64_t n = extents.channels * extents.pixels;
  if (n == 0) return;
  scale_kernel<<<blocks_for(n), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(x, extents, k, b, y);
  check_launch("scale_channels");
}

int64_t cuda_device_count() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess ? count : 0;
}

}  // namespace carat
