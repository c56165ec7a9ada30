// SPDX-License-Identifier: Apache-2.0
// What training and evaluation do on the CPU with kernels of their own, differentiable where training needs it: they
// are bound by memory, so what is element-wise goes over it once. Other devices and types take LibTorch's operations.
// All tensors float32 {N, C, H, W}.
#pragma once

#include <ATen/core/Tensor.h>

#include "kernels/norm_act.h"
#include "models/graph/layer.h"

namespace carat {

// The activation that batch norm can take along; none for the others.
NormAct norm_act_of(OpKind op);

// What a batch's statistics move the running ones by.
constexpr double kNormMomentum = 0.1;

struct BatchNormTensors {
  at::Tensor weight, bias, running_mean, running_var;  // {C}
  double epsilon = 1e-5;
};

// act(batch norm of x) with the statistics of this batch; running statistics move by kNormMomentum towards them
// (variance with N * H * W - 1 below). Source: Ioffe, Szegedy 2015, algorithm 1.
at::Tensor batch_norm_training(const at::Tensor& x, const BatchNormTensors& norm, OpKind act);

// The same with running statistics, without gradients.
at::Tensor batch_norm_inference(const at::Tensor& x, const BatchNormTensors& norm, OpKind act);

// Convolution of a layer without bias on an input that is padded as the layer says.
at::Tensor convolve_training(const LayerSpec& layer, const at::Tensor& x, const at::Tensor& weights);

// x * gate, gate {N, C, 1, 1} or of x's shape.
at::Tensor multiply_training(const at::Tensor& x, const at::Tensor& gate);

}  // namespace carat
