// SPDX-License-Identifier: Apache-2.0
#include "models/net/gpu_ops.h"

#include <c10/core/DeviceGuard.h>
#include <torch/torch.h>

#include "kernels/batch_norm.h"
#include "kernels/depthwise.h"
#include "kernels/device.h"
#include "models/net/code_kernels.h"

namespace carat {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::Tensor channels_last(const at::Tensor& x) { return x.contiguous(at::MemoryFormat::ChannelsLast); }

at::Tensor empty_values(at::IntArrayRef sizes, const at::Tensor& like) {
  return at::empty(sizes, like.options().memory_format(at::MemoryFormat::ChannelsLast));
}

at::Tensor workspace_of(int64_t bytes, const at::Tensor& like) {
  return at::empty({bytes}, like.options().dtype(at::kByte));
}

NormShape norm_shape(const at::Tensor& x) { return {x.size(0) * x.size(2) * x.size(3), x.size(1)}; }

struct GpuNorm : torch::autograd::Function<GpuNorm> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input, const at::Tensor& weight,
                            const at::Tensor& bias, const BatchNormTensors& norm, int64_t act) {
    const c10::DeviceGuard guard(input.device());
    const at::Tensor x = channels_last(input);
    const NormShape shape = norm_shape(x);
    at::Tensor y = empty_values(x.sizes(), x);
    at::Tensor line = at::empty({4, shape.channels}, weight.options().requires_grad(false));
    at::Tensor workspace = workspace_of(norm_workspace(shape), x);
    const NormForward forward = {.x = x.const_data_ptr<float>(),
                                 .weight = weight.const_data_ptr<float>(),
                                 .bias = bias.const_data_ptr<float>(),
                                 .running_mean = norm.running_mean.mutable_data_ptr<float>(),
                                 .running_var = norm.running_var.mutable_data_ptr<float>(),
                                 .line = line.mutable_data_ptr<float>(),
                                 .y = y.mutable_data_ptr<float>(),
                                 .epsilon = norm.epsilon,
                                 .momentum = kNormMomentum,
                                 .act = static_cast<NormAct>(act)};
    batch_norm_forward_cuda(forward, shape, workspace.mutable_data_ptr(), current_stream(x));
    context->save_for_backward({x, line});
    context->saved_data["act"] = act;
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    const c10::DeviceGuard guard(x.device());
    const at::Tensor dy = channels_last(gradients[0]);
    const NormShape shape = norm_shape(x);
    at::Tensor dx = empty_values(x.sizes(), x);
    at::Tensor sums = at::empty({2, shape.channels}, x.options());
    at::Tensor workspace = workspace_of(norm_workspace(shape), x);
    auto* to = sums.mutable_data_ptr<float>();
    const NormBackward backward = {.x = x.const_data_ptr<float>(),
                                   .dy = dy.const_data_ptr<float>(),
                                   .line = saved[1].const_data_ptr<float>(),
                                   .weight_gradient = to,
                                   .bias_gradient = to + shape.channels,
                                   .dx = dx.mutable_data_ptr<float>(),
                                   .act = static_cast<NormAct>(context->saved_data["act"].toInt())};
    batch_norm_backward_cuda(backward, shape, workspace.mutable_data_ptr(), current_stream(x));
    return {dx, sums[0], sums[1], {}, {}};
  }
};

DepthwiseBatch depthwise_batch(const at::Tensor& x, int64_t kernel, int64_t stride, int64_t padding) {
  const auto out = [&](int64_t extent) { return (extent + 2 * padding - kernel) / stride + 1; };
  return {{x.size(1), x.size(2), x.size(3), out(x.size(2)), out(x.size(3)), kernel, stride, padding}, x.size(0)};
}

struct GpuDepthwise : torch::autograd::Function<GpuDepthwise> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input, const at::Tensor& weights,
                            int64_t stride, int64_t padding) {
    const c10::DeviceGuard guard(input.device());
    const at::Tensor x = channels_last(input);
    const DepthwiseBatch batch = depthwise_batch(x, weights.size(2), stride, padding);
    // {kernel, kernel, channels}, so that neighbouring threads read neighbouring weights.
    const at::Tensor taps = weights.detach().permute({2, 3, 0, 1}).contiguous();
    at::Tensor y = empty_values({x.size(0), x.size(1), batch.shape.out_height, batch.shape.out_width}, x);
    depthwise_forward_cuda(batch, x.const_data_ptr<float>(), taps.const_data_ptr<float>(), y.mutable_data_ptr<float>(),
                           current_stream(x));
    context->save_for_backward({x, taps});
    context->saved_data["stride"] = stride;
    context->saved_data["padding"] = padding;
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    const at::Tensor& taps = saved[1];
    const c10::DeviceGuard guard(x.device());
    const at::Tensor dy = channels_last(gradients[0]);
    const DepthwiseBatch batch =
        depthwise_batch(x, taps.size(0), context->saved_data["stride"].toInt(), context->saved_data["padding"].toInt());
    at::Tensor dx = empty_values(x.sizes(), x);
    depthwise_input_gradient_cuda(batch, dy.const_data_ptr<float>(), taps.const_data_ptr<float>(),
                                  dx.mutable_data_ptr<float>(), current_stream(x));
    at::Tensor dw = at::empty_like(taps);
    at::Tensor workspace = workspace_of(depthwise_workspace(batch.shape, batch.images), x);
    depthwise_weight_gradients_cuda(batch, x.const_data_ptr<float>(), dy.const_data_ptr<float>(),
                                    dw.mutable_data_ptr<float>(), workspace.mutable_data_ptr(), current_stream(x));
    return {dx, dw.permute({2, 3, 0, 1}).contiguous(), {}, {}};
  }
};

}  // namespace

bool is_on_gpu(const at::Tensor& x) {
  return x.is_cuda() && x.scalar_type() == at::kFloat && x.dim() == 4 && x.numel() > 0 && has_cuda_kernels();
}

at::Tensor batch_norm_on_gpu(const at::Tensor& x, const BatchNormTensors& norm, OpKind act) {
  if (!is_on_gpu(x) || !fits_batch_norm(norm_shape(x))) return {};
  return GpuNorm::apply(x, norm.weight, norm.bias, norm, static_cast<int64_t>(norm_act_of(act)));
}

at::Tensor depthwise_on_gpu(const at::Tensor& x, const at::Tensor& weights, int64_t stride, int64_t padding) {
  if (!is_on_gpu(x) || weights.scalar_type() != at::kFloat) return {};
  if (!fits_depthwise(depthwise_batch(x, weights.size(2), stride, padding).shape, x.size(0))) return {};
  return GpuDepthwise::apply(x, weights, stride, padding);
}

at::Tensor pointwise(const at::Tensor& x, const at::Tensor& weights) {
  const at::Tensor pixels = channels_last(x).permute({0, 2, 3, 1}).reshape({-1, x.size(1)});
  const at::Tensor y = at::mm(pixels, weights.view({weights.size(0), -1}).t());
  return y.view({x.size(0), x.size(2), x.size(3), weights.size(0)}).permute({0, 3, 1, 2});
}

}  // namespace carat
