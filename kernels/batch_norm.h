// SPDX-License-Identifier: Apache-2.0
// Training on a GPU: batch norm with the activation behind it, without storing what lies between (kernels/norm_act.h is
// the CPU's). Values float32 {pixels, channels}, channels-last; parameters {channels}. Sums are float64 in a fixed
// order: the same bits on CPU and GPU. Source: Ioffe, Szegedy 2015, algorithm 1 and the gradients of section 3.
#pragma once

#include <cstdint>

#include "kernels/norm_act.h"

namespace carat {

struct NormShape {
  int64_t pixels = 0;
  int64_t channels = 0;
};

// Up to 1,024 channels, fewer than 2^31 values, at least one.
bool fits_batch_norm(const NormShape& shape);
// Bytes that either function needs.
int64_t norm_workspace(const NormShape& shape);

struct NormForward {
  const float* x;
  const float* weight;
  const float* bias;
  float* running_mean;  // moves by momentum towards the batch's mean; the variance's with pixels - 1 below
  float* running_var;
  float* line;  // {4, channels}, for the gradients: mean, 1 / deviation, factor = weight / deviation, offset = bias -
                // mean * factor
  float* y;     // act(factor * x + offset), two roundings before the activation
  double epsilon = 1e-5;
  double momentum = 0.1;
  NormAct act = NormAct::none;
};
void batch_norm_forward(const NormForward& norm, const NormShape& shape, void* workspace);

// g = dy * act'(factor * x + offset).
struct NormBackward {
  const float* x;
  const float* dy;
  const float* line;
  float* weight_gradient;  // sum of g * (x - mean) / deviation
  float* bias_gradient;    // sum of g
  float* dx;
  NormAct act = NormAct::none;
};
void batch_norm_backward(const NormBackward& norm, const NormShape& shape, void* workspace);

// The same for device pointers on a CUDA stream. Throw Error in a build without CUDA.
void batch_norm_forward_cuda(const NormForward& norm, const NormShape& shape, void* workspace, void* stream);
void batch_norm_backward_cuda(const NormBackward& norm, const NormShape& shape, void* workspace, void* stream);

}  // namespace carat
