// SPDX-License-Identifier: Apache-2.0
// Training on the CPU: batch norm with the activation behind it, forward and backward, without storing what lies
// between. Values are float32 {pixels, channels}, row-major (channels-last); parameters are {channels}. Every function
// works on one run of pixels, so callers choose the threads; nothing here depends on them. Sums are float32: keep runs
// short (norm_chunk) and add their results in double precision. Source: Ioffe, Szegedy 2015, algorithm 1 and the
// gradients of section 3.
#pragma once

#include <cstdint>

namespace carat {

enum class NormAct { none, relu, relu6, swish, hard_swish };

// Pixels in a run whose sums float32 holds well and whose values stay in the cache.
int64_t norm_chunk(int64_t channels);

struct PixelRun {
  int64_t pixels = 0;
  int64_t channels = 0;
};

// mean: of the run; deviations: sums of squared differences from it.
void norm_moments(const float* x, PixelRun run, float* mean, float* deviations);

// y = act(factor * x + offset).
void norm_forward(const float* x, PixelRun run, const float* factor, const float* offset, NormAct act, float* y);

// What the gradients read; g below is dy * act'(factor * x + offset).
struct NormGradient {
  const float* x = nullptr;
  const float* dy = nullptr;
  const float* factor = nullptr;
  const float* offset = nullptr;
  const float* mean = nullptr;
  NormAct act = NormAct::none;
};

// sum = sum of g, sum_x = sum of g * (x - mean), over the run.
void norm_gradient_sums(const NormGradient& in, PixelRun run, float* sum, float* sum_x);

// dx = factor * g + slope * (x - mean) + level.
void norm_backward(const NormGradient& in, PixelRun run, const float* slope, const float* level, float* dx);

}  // namespace carat
