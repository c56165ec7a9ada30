// SPDX-License-Identifier: Apache-2.0
#include "models/net/float_ops.h"

#include <torch/torch.h>

#include "base/fail.h"

namespace carat {
namespace {

at::Tensor sum_of(const std::vector<at::Tensor>& inputs) {
  at::Tensor sum = inputs[0];
  for (size_t i = 1; i < inputs.size(); ++i) sum = sum + inputs[i];
  return sum;
}

}  // namespace

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
      return at::max_pool2d(x, layer.kernel, layer.stride, layer.padding);
    case OpKind::avg_pool:
      return at::avg_pool2d(x, layer.kernel, layer.stride, layer.padding);
    case OpKind::global_avg_pool:
      return x.mean({2, 3}, true);
    case OpKind::upsample:
      return at::repeat_interleave(at::repeat_interleave(x, layer.factor, 2), layer.factor, 3);
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
