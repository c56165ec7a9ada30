// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution in training on a GPU, channels-last float32: values {images, height, width, channels}, weights
// {kernel, kernel, channels}. Sides 3, 5 and 7. A result is the sum of its taps in their order, each step rounded once;
// the weights' gradients have a fixed order of their own: the same bits on CPU and GPU.
#pragma once

#include <cstdint>

#include "kernels/depthwise_gradient.h"

namespace carat {

// Whether the kernels take it: those sides, up to 1,024 channels, fewer than 2^31 values before and after.
bool fits_depthwise(const DepthwiseShape& shape, int64_t images);
// Bytes that the weights' gradient needs.
int64_t depthwise_workspace(const DepthwiseShape& shape, int64_t images);

struct DepthwiseBatch {
  DepthwiseShape shape;
  int64_t images = 1;
};

// y[n, h, w, c] = sum over (r, s) of x[n, h * stride + r - padding, w * stride + s - padding, c] * weights[r, s, c].
void depthwise_forward(const DepthwiseBatch& batch, const float* x, const float* weights, float* y);
// dx: the sum over the taps that read the place.
void depthwise_input_gradient(const DepthwiseBatch& batch, const float* dy, const float* weights, float* dx);
// {kernel, kernel, channels}.
void depthwise_weight_gradients(const DepthwiseBatch& batch, const float* x, const float* dy, float* dw,
                                void* workspace);

// The same for device pointers on a CUDA stream. Throw Error in a build without CUDA.
void depthwise_forward_cuda(const DepthwiseBatch& batch, const float* x, const float* weights, float* y, void* stream);
void depthwise_input_gradient_cuda(const DepthwiseBatch& batch, const float* dy, const float* weights, float* dx,
                                   void* stream);
void depthwise_weight_gradients_cuda(const DepthwiseBatch& batch, const float* x, const float* dy, float* dw,
                                     void* workspace, void* stream);

}  // namespace carat
