// SPDX-License-Identifier: Apache-2.0
// Element-wise kernels as data: load(i) reads what element i needs, store(i, loaded) writes its result. CUDA threads
// load all their elements before they store any, so that reads overlap; a CPU goes one by one.
#pragma once

#include "kernels/scalar/divisor.h"
#include "kernels/scalar/rounding.h"

namespace carat::scalar {

constexpr int kElementThreads = 256;
constexpr int kElementsPerThread = 4;

CARAT_SHARED int64_t element_of(int64_t block, int thread, int step) {
  return (block * kElementsPerThread + step) * kElementThreads + thread;
}

inline int64_t element_blocks(int64_t n) {
  constexpr int64_t kPerBlock = int64_t{kElementThreads} * kElementsPerThread;
  return (n + kPerBlock - 1) / kPerBlock;
}

// What a CUDA thread does; on a host, one thread of the grid.
template <typename Operation>
CARAT_SHARED void run_elements(const Operation& operation, int64_t n, int64_t block, int thread) {
  typename Operation::Loaded loaded[kElementsPerThread];
  CARAT_UNROLL
  for (int step = 0; step < kElementsPerThread; ++step)
    if (const int64_t i = element_of(block, thread, step); i < n) loaded[step] = operation.load(i);
  CARAT_UNROLL
  for (int step = 0; step < kElementsPerThread; ++step)
    if (const int64_t i = element_of(block, thread, step); i < n) operation.store(i, loaded[step]);
}

template <typename Operation>
void run_on_cpu(const Operation& operation, int64_t n) {
  for (int64_t i = 0; i < n; ++i) operation.store(i, operation.load(i));
}

struct Quantize {
  const float* x;
  CodeRange range;
  float* codes;
  using Loaded = float;
  CARAT_SHARED float load(int64_t i) const { return x[i]; }
  CARAT_SHARED void store(int64_t i, float value) const {
    const float whole = range.half_away ? round_half_away(value) : round_half_even(value);
    codes[i] = clamp_code(whole, range.lowest, range.highest);
  }
};

// y = k * x + b per channel of `pixels` neighbours, two roundings.
struct ScaleChannels {
  const float* x;
  Divisor pixels;
  const float* k;
  const float* b;
  float* y;
  struct Loaded {
    float x, k, b;
  };
  CARAT_SHARED Loaded load(int64_t i) const {
    const uint32_t c = pixels.quotient(static_cast<uint32_t>(i));
    return {x[i], k[c], b != nullptr ? b[c] : 0.0F};
  }
  CARAT_SHARED void store(int64_t i, const Loaded& v) const {
    const float product = multiply(v.k, v.x);
    y[i] = b != nullptr ? add(product, v.b) : product;
  }
};

struct ApplyMask {
  const float* x;
  const uint8_t* mask;
  float* y;
  struct Loaded {
    float x;
    uint8_t kept;
  };
  CARAT_SHARED Loaded load(int64_t i) const { return {x[i], mask[i]}; }
  CARAT_SHARED void store(int64_t i, const Loaded& v) const { y[i] = v.kept != 0 ? v.x : 0.0F; }
};

}  // namespace carat::scalar
