// SPDX-License-Identifier: Apache-2.0
// The kernels of kernels/ on tensors: their CUDA implementations where a tensor lies on CUDA, on LibTorch's current
// stream of its device.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "kernels/code_range.h"
#include "models/graph/quant.h"

namespace carat {

// LibTorch's current stream of a tensor's device, as kernels take it.
void* current_stream(const at::Tensor& x);

// Whether the kernels take these: float32 on CUDA, x without gaps, one scale or one per x[k] of a contiguous x, and a
// build with CUDA kernels.
bool has_code_kernels(const at::Tensor& x, const at::Tensor& inverse_scale);

// The formulas of kernels/fake_quant.h; tensors for which has_code_kernels holds.
at::Tensor codes_by_kernel(const at::Tensor& x, const at::Tensor& inverse_scale, const QuantSpec& spec);
// gradient * inverse_scale where x is inside the range, else 0.
at::Tensor straight_through_by_kernel(const at::Tensor& gradient, const at::Tensor& x, const at::Tensor& inverse_scale,
                                      const CodeGrid& range);

// Tensors of kernels/step_size.h; without scale: 1, without zero point: 0.
struct StepTensors {
  at::Tensor inverse_scale, scale, zero_point;
};
// Its gradients for x without gaps, float32 on the CPU or on CUDA. Those of scale and zero point, times `factor`, only
// where they are wanted.
struct StepWish {
  bool scale = false;
  bool zero_point = false;
  double factor = 1.0;
};
struct StepGradientTensors {
  at::Tensor x, scale, zero_point;
};
CodeGrid step_codes(const QuantSpec& spec);
at::Tensor step_values_by_kernel(const at::Tensor& x, const StepTensors& step, const CodeGrid& codes);
StepGradientTensors step_gradients_by_kernel(const at::Tensor& gradient, const at::Tensor& x, const StepTensors& step,
                                             const CodeGrid& codes, const StepWish& wish);

struct ScalesOfKernels {
  std::vector<double> scales;
  std::vector<double> squared_errors;
};
// kernels/fit_scales.h on weights {kernels, ...}, float32 on the CPU or on CUDA: the same bits on both.
ScalesOfKernels fit_scales_by_kernel(const at::Tensor& weights, const QuantSpec& spec);

}  // namespace carat
