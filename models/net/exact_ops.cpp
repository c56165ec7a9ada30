// SPDX-License-Identifier: Apache-2.0
// Exact mode: the specifications of kernels/, image by image.
#include <torch/torch.h>

#include "base/fail.h"
#include "kernels/float_ops.h"
#include "models/net/float_ops.h"

namespace carat {
namespace {

Window window_of(const LayerSpec& layer, const at::Tensor& x) {
  return {.channels = x.size(1),
          .height = x.size(2),
          .width = x.size(3),
          .kernel = layer.kernel,
          .stride = layer.stride,
          .padding = layer.padding,
          .groups = layer.groups,
          .extra_padding = layer.extra_padding};
}

// action(input, output) for every image.
template <typename Action>
at::Tensor per_image(const at::Tensor& input, at::IntArrayRef image_shape, Action&& action) {
  const at::Tensor x = input.contiguous();
  std::vector<int64_t> shape = image_shape.vec();
  shape.insert(shape.begin(), x.size(0));
  at::Tensor y = at::empty(shape, x.options());
  const int64_t in = x.numel() / x.size(0);
  const int64_t out = y.numel() / x.size(0);
  for (int64_t n = 0; n < x.size(0); ++n) action(x.data_ptr<float>() + n * in, y.data_ptr<float>() + n * out);
  return y;
}

at::Tensor unary(Unary op, const at::Tensor& input) {
  const at::Tensor x = input.contiguous();
  at::Tensor y = at::empty_like(x);
  apply_unary(op, x.data_ptr<float>(), x.numel(), y.data_ptr<float>());
  return y;
}

}  // namespace

at::Tensor run_by_specification(const LayerSpec& layer, const std::vector<at::Tensor>& inputs) {
  const at::Tensor& x = inputs[0];
  require(x.is_cpu(), "layer {}: exact execution is on the CPU", layer.name);
  const Window w = x.dim() == 4 ? window_of(layer, x) : Window{};
  switch (layer.op) {
    case OpKind::relu:
      return unary(Unary::relu, x);
    case OpKind::relu6:
      return unary(Unary::relu6, x);
    case OpKind::swish:
      return unary(Unary::swish, x);
    case OpKind::hard_swish:
      return unary(Unary::hard_swish, x);
    case OpKind::sigmoid:
      return unary(Unary::sigmoid, x);
    case OpKind::hard_sigmoid:
      return unary(Unary::hard_sigmoid, x);
    case OpKind::avg_pool:
      return per_image(x, {w.channels, w.out_height(), w.out_width()},
                       [&](const float* in, float* out) { avg_pool(in, w, out); });
    case OpKind::global_avg_pool:
      return per_image(x, {w.channels, 1, 1},
                       [&](const float* in, float* out) { global_avg_pool(in, w.channels, w.height * w.width, out); });
    default:
      return run_fast(layer, inputs);
  }
}

at::Tensor convolve_by_specification(const LayerSpec& layer, const at::Tensor& x, const at::Tensor& weights) {
  Window w = window_of(layer, x);
  w.out_channels = weights.size(0);
  const at::Tensor kernel = weights.contiguous();
  return per_image(x, {w.out_channels, w.out_height(), w.out_width()},
                   [&](const float* in, float* out) { convolve_float(in, kernel.data_ptr<float>(), w, out); });
}

}  // namespace carat
