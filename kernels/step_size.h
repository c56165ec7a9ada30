// SPDX-License-Identifier: Apache-2.0
// Quantizers in training, one pass forward and one backward; scales and zero point are read where they lie, so that a
// GPU learns them without asking the CPU. n numbers, float32, one rounding per operation:
//   place = x * inverse + z, z = zero point rounded to even; code = clamp(round(place), lowest, highest) - z;
//   value = scale * code.
// Gradients, inside = lowest <= place <= highest, sums in a fixed order (float64 beyond a few numbers), then times
// `factor` and rounded:
//   dx = (g * scale) * inverse inside, else 0;
//   dscale = sum of g * (code - (place - z) inside, code outside);
//   dzero = sum of -g * scale outside.
// A NaN gives NaN and is outside. count of scales: 1, or that of kernels, which divides n (then n < 2^31). The same
// bits on CPU and GPU. Source: Esser et al. 2020 (arXiv:1902.08153), eq. 3; Bhalgat et al. 2020 (arXiv:2004.09576),
// eqs. 4, 5.
#pragma once

#include <cstdint>

#include "kernels/code_range.h"

namespace carat {

struct StepGrid {
  ScaleList inverse;
  ScaleList scales;                   // as many; values nullptr: scale 1, values are codes
  const float* zero_point = nullptr;  // one number; nullptr: 0
  CodeGrid codes;                     // half_even or half_away
};

// The threads change nothing but the time.
void step_values(const float* x, int64_t n, const StepGrid& grid, float* values, int64_t threads = 1);

struct StepGradients {
  const float* g;
  const float* x;
  float* dx;
  float* scale_gradient = nullptr;  // as many as there are scales; nullptr: not wanted
  float* zero_gradient = nullptr;   // one number, with one scale only; nullptr: not wanted
  double factor = 1.0;
};

// Bytes that step_gradients needs where sums are wanted.
int64_t step_workspace(int64_t n, int64_t count);
void step_gradients(const StepGradients& gradients, int64_t n, const StepGrid& grid, void* workspace,
                    int64_t threads = 1);

// The same for device pointers on a CUDA stream. Throw Error in a build without CUDA.
void step_values_cuda(const float* x, int64_t n, const StepGrid& grid, float* values, void* stream);
void step_gradients_cuda(const StepGradients& gradients, int64_t n, const StepGrid& grid, void* workspace,
                         void* stream);

}  // namespace carat
