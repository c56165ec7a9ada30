// SPDX-License-Identifier: Apache-2.0
// Training on the CPU: gradient of a depthwise convolution's weights, and of a gate per channel. Channels-last float32,
// one image at a time, so callers choose the threads.
#pragma once

#include <cstdint>

namespace carat {

// Sizes of one image's values {height, width, channels} before and after, of the kernel, and where it starts.
struct DepthwiseShape {
  int64_t channels = 0;
  int64_t in_height = 0;
  int64_t in_width = 0;
  int64_t out_height = 0;
  int64_t out_width = 0;
  int64_t kernel = 3;
  int64_t stride = 1;
  int64_t padding = 1;  // rows above and columns to the left
};

// Kernels of side 1, 2, 3, 5, 7, 9 and 11.
bool has_depthwise_gradient(int64_t kernel);
// Adds to sums {kernel, kernel, channels} at (r, s, c): sum over (h, w) of
// dy[h, w, c] * x[h * stride + r - padding, w * stride + s - padding, c]; places outside of x count as zeros.
// Throws Error for another kernel.
void depthwise_weight_gradient(const DepthwiseShape& shape, const float* x, const float* dy, float* sums);

// z = x * gate[c]. dx = dz * gate[c]; gate_gradient[c] = sum over pixels of dz * x. x, dz, dx {pixels, channels}.
void gate_forward(const float* x, const float* gate, int64_t pixels, int64_t channels, float* z);
struct GateGradient {
  float* dx = nullptr;
  float* gate_gradient = nullptr;
};
void gate_backward(const float* x, const float* dz, const float* gate, int64_t pixels, int64_t channels,
                   const GateGradient& to);

}  // namespace carat
