// SPDX-License-Identifier: Apache-2.0
// Shared parts of kernels/step_size.h.
#pragma once

#include "kernels/scalar/fake_quant.h"
#include "kernels/scalar/sums.h"
#include "kernels/step_size.h"

namespace carat::scalar {

// What one element needs.
struct StepAt {
  float x, inverse, scale, zero;
};

struct StepNumbers {
  Scales inverse;
  Scales scales;  // values nullptr: 1
  const float* zero_point;
  CodeGrid codes;

  CARAT_SHARED StepAt at(float x, int64_t i) const {
    const float zero = zero_point != nullptr ? round_half_even(*zero_point) : 0.0F;
    return {x, inverse.at(i), scales.values != nullptr ? scales.at(i) : 1.0F, zero};
  }
  CARAT_SHARED float place(const StepAt& v) const { return add(multiply(v.x, v.inverse), v.zero); }
  CARAT_SHARED float code(const StepAt& v, float place) const {
    const float whole = codes.rounding == CodeRounding::half_away ? round_half_away(place) : round_half_even(place);
    return add(clamp_code(whole, codes.lowest, codes.highest), -v.zero);
  }
};

struct StepValues {
  const float* x;
  StepNumbers numbers;
  float* values;
  using Loaded = StepAt;
  CARAT_SHARED StepAt load(int64_t i) const { return numbers.at(x[i], i); }
  CARAT_SHARED void store(int64_t i, const StepAt& v) const {
    values[i] = one_nan(multiply(v.scale, numbers.code(v, numbers.place(v))));
  }
};

struct StepSums {
  double scale, zero;
};

struct StepGradient {
  const float* g;
  const float* x;
  float* dx;
  StepNumbers numbers;
  struct Loaded {
    float g;
    StepAt at;
  };
  CARAT_SHARED Loaded load(int64_t i) const { return {g[i], numbers.at(x[i], i)}; }
  // Adds to what the scale's and the zero point's gradients are made of.
  CARAT_SHARED void store(int64_t i, const Loaded& v, float& rises, float& falls) const {
    const float place = numbers.place(v.at);
    const float code = numbers.code(v.at, place);
    const bool inside = is_inside(place, numbers.codes);
    dx[i] = inside ? one_nan(multiply(multiply(v.g, v.at.scale), v.at.inverse)) : 0.0F;
    const float rise = inside ? add(code, -add(place, -v.at.zero)) : code;
    rises = fused(v.g, rise, rises);
    if (!inside) falls = fused(v.g, -v.at.scale, falls);
  }
};

// Every scale owns a row of n / count numbers; a row is cut into chunks of kStepChunk. The elements of a chunk are
// added as sums.h says, then the chunks of the row.
constexpr int kStepRounds = 4;
constexpr int64_t kStepChunk = int64_t{kElementThreads} * kElementsPerThread * kStepRounds;

CARAT_SHARED int64_t step_chunks(int64_t row) { return (row + kStepChunk - 1) / kStepChunk; }

CARAT_SHARED StepSums plus(const StepSums& a, const StepSums& b) {
  return {add(a.scale, b.scale), add(a.zero, b.zero)};
}

// One thread's part of a chunk that begins at `begin` and ends with its row, in float32.
CARAT_SHARED StepSums step_thread(const StepGradient& gradient, int64_t begin, int64_t row_end, int thread) {
  float rises = 0.0F;
  float falls = 0.0F;
  for (int round = 0; round < kStepRounds; ++round) {
    const int64_t first = begin + thread + int64_t{round} * kElementThreads * kElementsPerThread;
    StepGradient::Loaded loaded[kElementsPerThread];
    CARAT_UNROLL
    for (int step = 0; step < kElementsPerThread; ++step)
      if (const int64_t i = first + step * kElementThreads; i < row_end) loaded[step] = gradient.load(i);
    CARAT_UNROLL
    for (int step = 0; step < kElementsPerThread; ++step)
      if (const int64_t i = first + step * kElementThreads; i < row_end) gradient.store(i, loaded[step], rises, falls);
  }
  return {static_cast<double>(rises), static_cast<double>(falls)};
}

CARAT_SHARED float step_result(double sum, double factor) { return one_nan(static_cast<float>(multiply(sum, factor))); }

// Checks the counts. Throws Error.
StepNumbers step_numbers(const StepGrid& grid, int64_t n);
void check_gradients(const StepGradients& gradients, const StepGrid& grid);

}  // namespace carat::scalar
