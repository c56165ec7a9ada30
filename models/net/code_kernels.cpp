// SPDX-License-Identifier: Apache-2.0
#include "models/net/code_kernels.h"

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include "base/fail.h"
#include "kernels/device.h"
#include "kernels/fake_quant.h"
#include "kernels/fit_scales.h"

namespace carat {
namespace {

void* current_stream(const at::Tensor& x) {
  return c10::impl::VirtualGuardImpl(x.device().type()).getStream(x.device()).native_handle();
}

CodeGrid grid_of(const QuantSpec& spec) {
  return {static_cast<float>(spec.lowest_code()), static_cast<float>(spec.highest_code()),
          spec.rounding() == Rounding::half_even ? CodeRounding::half_even : CodeRounding::half_away};
}

ScaleList list_of(const at::Tensor& scales) { return {scales.const_data_ptr<float>(), scales.numel()}; }

}  // namespace

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
  at::Tensor g = gradient;
  if (g.strides() != x.strides()) g = at::empty_like(x).copy_(gradient);
  straight_through_cuda({g.const_data_ptr<float>(), x.const_data_ptr<float>(), dx.mutable_data_ptr<float>()}, x.numel(),
                        list_of(inverse_scale), range, current_stream(x));
  return dx;
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
