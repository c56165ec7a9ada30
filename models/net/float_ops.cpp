// SPDX-License-Identifier: Apache-2.0
#include "models/net/float_ops.h"

#include <torch/torch.h>

#include <limits>

#include "base/fail.h"

namespace carat {
namespace {

at::Tensor sum_of(const std::vector<at::Tensor>& inputs) {
  at::Tensor sum = inputs[0];
  for (size_t i = 1; i < inputs.size(); ++i) sum = sum + inputs[i];
  return sum;
}

// Source row of every row of the result.
at::Tensor nearest(int64_t extent, int64_t size, const at::Device& device) {
  const at::Tensor rows = torch::arange(size, at::TensorOptions(torch::kLong).device(device));
  return at::floor_divide(rows * extent, size);
}

}  // namespace

at::Tensor padded(const LayerSpec& layer, const at::Tensor& x, double value) {
  if (layer.extra_padding == 0) return x;
  const int64_t p = layer.padding;
  const int64_t end = p + layer.extra_padding;
  return at::constant_pad_nd(x, {p, end, p, end}, value);
}

at::Tensor run_fast(const LayerSpec& layer, const std::vector<at::Tensor>& inputs) {
  const at::Tensor& x = inputs[0];
  switch (layer.op) {
    case OpKind::add:
      return sum_of(inputs);
    case OpKind::multiply:
      return x * inputs[1];
    case OpKind::concat:
      return at::cat(inputs, 1);
    case OpKind::max_pool:
      return at::max_pool2d(padded(layer, x, -std::numeric_limits<double>::infinity()), layer.kernel, layer.stride,
                            layer.extra_padding > 0 ? 0 : layer.padding);
    case OpKind::avg_pool:
      return at::avg_pool2d(padded(layer, x, 0.0), layer.kernel, layer.stride,
                            layer.extra_padding > 0 ? 0 : layer.padding);
    case OpKind::global_avg_pool:
      return x.mean({2, 3}, true);
    case OpKind::upsample:
      return x.index_select(2, nearest(x.size(2), layer.size, x.device()))
          .index_select(3, nearest(x.size(3), layer.size, x.device()));
    case OpKind::pad: {
      const int64_t after = layer.padding + layer.extra_padding;
      return at::constant_pad_nd(x, {layer.padding, after, layer.padding, after}, layer.fill);
    }
    case OpKind::slice:
      return x.narrow(1, layer.begin, layer.out_channels);
    case OpKind::shuffle:
      return at::channel_shuffle(x, layer.groups);
    case OpKind::dropout:
      return x;
    case OpKind::relu:
      return at::relu(x);
    case OpKind::relu6:
      return at::clamp(x, 0.0, 6.0);
    case OpKind::swish:
      return at::silu(x);
    case OpKind::hard_swish:
      return at::hardswish(x);
    case OpKind::sigmoid:
      return at::sigmoid(x);
    case OpKind::hard_sigmoid:
      return at::hardsigmoid(x);
    default:
      fail("layer {}: {} is not an operation without weights", layer.name, name_of(layer.op));
  }
}

}  // namespace carat
