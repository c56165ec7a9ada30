// SPDX-License-Identifier: Apache-2.0
#include "models/net/code_kernels.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include "base/fail.h"
#include "kernels/device.h"
#include "kernels/fake_quant.h"
#include "kernels/fit_scales.h"
#include "kernels/step_size.h"

namespace carat {
namespace {

CodeGrid grid_of(const QuantSpec& spec) {
  return {static_cast<float>(spec.lowest_code()), static_cast<float>(spec.highest_code()),
          spec.rounding() == Rounding::half_even ? CodeRounding::half_even : CodeRounding::half_away};
}

ScaleList list_of(const at::Tensor& scales) { return {scales.const_data_ptr<float>(), scales.numel()}; }

StepGrid step_grid(const StepTensors& step, const CodeGrid& codes) {
  return {list_of(step.inverse_scale), step.scale.defined() ? list_of(step.scale) : ScaleList{nullptr, 0},
          step.zero_point.defined() ? step.zero_point.const_data_ptr<float>() : nullptr, codes};
}

// In x's order of memory.
at::Tensor ordered_as(const at::Tensor& x, const at::Tensor& gradient) {
  return gradient.strides() == x.strides() ? gradient : at::empty_like(x).copy_(gradient);
}

}  // namespace

void* current_stream(const at::Tensor& x) {
  return c10::impl::VirtualGuardImpl(x.device().type()).getStream(x.device()).native_handle();
}

bool has_code_kernels(const at::Tensor& x, const at::Tensor& inverse_scale) {
  if (!x.is_cuda() || !has_cuda_kernels() || x.numel() == 0) return false;
  if (inverse_scale.device() != x.device() || !inverse_scale.is_contiguous()) return false;
  if (x.scalar_type() != at::kFloat || inverse_scale.scalar_type() != at::kFloat) return false;
  if (inverse_scale.numel() == 1) return x.is_non_overlapping_and_dense();
  constexpr int64_t kTooMany = int64_t{1} << 31;
  return x.is_contiguous() && inverse_scale.dim() == x.dim() && inverse_scale.size(0) == x.size(0) &&
         inverse_scale.numel() == x.size(0) && x.numel() < kTooMany;
}

at::Tensor codes_by_kernel(const at::Tensor& x, const at::Tensor& inverse_scale, const QuantSpec& spec) {
  const c10::DeviceGuard guard(x.device());
  at::Tensor codes = at::empty_like(x);
  scaled_codes_cuda(x.const_data_ptr<float>(), x.numel(), list_of(inverse_scale), grid_of(spec),
                    codes.mutable_data_ptr<float>(), current_stream(x));
  return codes;
}

at::Tensor straight_through_by_kernel(const at::Tensor& gradient, const at::Tensor& x, const at::Tensor& inverse_scale,
                                      const CodeGrid& range) {
  const c10::DeviceGuard guard(x.device());
  at::Tensor dx = at::empty_like(x);
  const at::Tensor g = ordered_as(x, gradient);
  straight_through_cuda({g.const_data_ptr<float>(), x.const_data_ptr<float>(), dx.mutable_data_ptr<float>()}, x.numel(),
                        list_of(inverse_scale), range, current_stream(x));
  return dx;
}

CodeGrid step_codes(const QuantSpec& spec) {
  CodeGrid codes = grid_of(spec);
  if (spec.is_shifted()) codes.lowest = 0.0F;
  return codes;
}

at::Tensor step_values_by_kernel(const at::Tensor& x, const StepTensors& step, const CodeGrid& codes) {
  const c10::DeviceGuard guard(x.device());
  at::Tensor values = at::empty_like(x);
  const float* from = x.const_data_ptr<float>();
  if (x.is_cuda())
    step_values_cuda(from, x.numel(), step_grid(step, codes), values.mutable_data_ptr<float>(), current_stream(x));
  else
    step_values(from, x.numel(), step_grid(step, codes), values.mutable_data_ptr<float>(), at::get_num_threads());
  return values;
}

StepGradientTensors step_gradients_by_kernel(const at::Tensor& gradient, const at::Tensor& x, const StepTensors& step,
                                             const CodeGrid& codes, const StepWish& wish) {
  const c10::DeviceGuard guard(x.device());
  const at::Tensor g = ordered_as(x, gradient);
  StepGradientTensors result = {at::empty_like(x), {}, {}};
  StepGradients gradients = {g.const_data_ptr<float>(), x.const_data_ptr<float>(), result.x.mutable_data_ptr<float>()};
  gradients.factor = wish.factor;
  if (wish.scale) {
    result.scale = at::empty_like(step.inverse_scale);
    gradients.scale_gradient = result.scale.mutable_data_ptr<float>();
  }
  if (wish.zero_point) {
    result.zero_point = at::empty_like(step.zero_point);
    gradients.zero_gradient = result.zero_point.mutable_data_ptr<float>();
  }
  at::Tensor workspace;
  if (wish.scale || wish.zero_point || !x.is_cuda())
    workspace = at::empty({step_workspace(x.numel(), step.inverse_scale.numel())}, x.options().dtype(at::kByte));
  void* parts = workspace.defined() ? workspace.mutable_data_ptr() : nullptr;
  if (x.is_cuda())
    step_gradients_cuda(gradients, x.numel(), step_grid(step, codes), parts, current_stream(x));
  else
    step_gradients(gradients, x.numel(), step_grid(step, codes), parts, at::get_num_threads());
  return result;
}

ScalesOfKernels fit_scales_by_kernel(const at::Tensor& weights, const QuantSpec& spec) {
  require(weights.dim() >= 1 && weights.scalar_type() == at::kFloat && weights.is_contiguous(),
          "fit_scales: expected contiguous float32 weights with a first extent");
  const int64_t kernels = weights.size(0);
  const int64_t size = kernels == 0 ? 0 : weights.numel() / kernels;
  const KernelWeights problem = {weights.const_data_ptr<float>(), nullptr, kernels, size};
  const c10::DeviceGuard guard(weights.device());
  at::Tensor results = at::empty({2, kernels}, weights.options().dtype(at::kDouble));
  auto* fits = results.mutable_data_ptr<double>();
  if (weights.is_cuda())
    fit_scales_cuda(problem, grid_of(spec), {fits, fits + kernels}, current_stream(weights));
  else
    fit_scales(problem, grid_of(spec), {fits, fits + kernels});
  results = results.cpu();
  fits = results.mutable_data_ptr<double>();
  return {{fits, fits + kernels}, {fits + kernels, fits + 2 * kernels}};
}

}  // namespace carat
