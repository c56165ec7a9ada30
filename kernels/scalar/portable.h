// SPDX-License-Identifier: Apache-2.0
// Functions that a CPU specification and its CUDA kernel share. Floating point: one rounding per operation; a product
// and a sum are fused only where fused() says so.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#ifdef __CUDACC__
#define CARAT_SHARED __host__ __device__ inline
#else
#define CARAT_SHARED inline
#endif

#ifdef __CUDA_ARCH__
#define CARAT_UNROLL _Pragma("unroll")
#else
#define CARAT_UNROLL
#endif

namespace carat::scalar {

CARAT_SHARED float multiply(float a, float b) {
#ifdef __CUDA_ARCH__
  return __fmul_rn(a, b);
#else
  return a * b;
#endif
}

CARAT_SHARED float add(float a, float b) {
#ifdef __CUDA_ARCH__
  return __fadd_rn(a, b);
#else
  return a + b;
#endif
}

CARAT_SHARED float divide(float a, float b) {
#ifdef __CUDA_ARCH__
  return __fdiv_rn(a, b);
#else
  return a / b;
#endif
}

// a * b + c, rounded once.
CARAT_SHARED float fused(float a, float b, float c) {
#ifdef __CUDA_ARCH__
  return __fmaf_rn(a, b, c);
#else
  return std::fma(a, b, c);
#endif
}

CARAT_SHARED double multiply(double a, double b) {
#ifdef __CUDA_ARCH__
  return __dmul_rn(a, b);
#else
  return a * b;
#endif
}

CARAT_SHARED double add(double a, double b) {
#ifdef __CUDA_ARCH__
  return __dadd_rn(a, b);
#else
  return a + b;
#endif
}

CARAT_SHARED double divide(double a, double b) {
#ifdef __CUDA_ARCH__
  return __ddiv_rn(a, b);
#else
  return a / b;
#endif
}

CARAT_SHARED uint32_t bits_of(float x) {
  uint32_t bits = 0;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

CARAT_SHARED float float_of(uint32_t bits) {
  float x = 0.0F;
  memcpy(&x, &bits, sizeof x);
  return x;
}

}  // namespace carat::scalar
