// SPDX-License-Identifier: Apache-2.0
// Training operations that LibTorch does slowly on a GPU, with gradients, by kernels of our own: float32,
// channels-last.
#pragma once

#include "models/net/training_ops.h"

namespace carat {

// Whether it lies on a GPU in float32 and this build has kernels for it.
bool is_on_gpu(const at::Tensor& x);

// Null where the kernels do not take the shape: else as batch_norm_training.
at::Tensor batch_norm_on_gpu(const at::Tensor& x, const BatchNormTensors& norm, OpKind act);
// Null likewise; x is padded by `padding` on every side, weights {C, 1, R, R}.
at::Tensor depthwise_on_gpu(const at::Tensor& x, const at::Tensor& weights, int64_t stride, int64_t padding);
// A convolution with kernel 1 and stride 1 without groups: a matrix product. weights {K, C, 1, 1}.
at::Tensor pointwise(const at::Tensor& x, const at::Tensor& weights);

}  // namespace carat
