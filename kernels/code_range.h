// SPDX-License-Identifier: Apache-2.0
// Grids of codes.
#pragma once

#include <cstdint>

namespace carat {

struct CodeRange {
  float lowest;
  float highest;
  bool half_away = false;
};

// stochastic: up with the probability of the fraction, by the number that belongs to (seed, index of the element).
enum class CodeRounding { half_even, half_away, stochastic };

struct CodeGrid {
  float lowest = 0.0F;
  float highest = 0.0F;
  CodeRounding rounding = CodeRounding::half_even;
  uint64_t seed = 0;  // stochastic: bits() of a Random of base/random.h
};

// Scales of a tensor of n numbers: element i has values[i / (n / count)]; count 1 (tensor) or that of kernels.
struct ScaleList {
  const float* values;
  int64_t count;
};

}  // namespace carat
