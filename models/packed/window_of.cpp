// SPDX-License-Identifier: Apache-2.0
#include "models/packed/window_of.h"

namespace carat {

Window window_of(const ModelGraph& graph, const LayerSpec& layer) {
  const Shape& in = graph.input_shape(layer);
  if (layer.op == OpKind::linear) return {.channels = in.elements(), .out_channels = layer.out_channels};
  return {.channels = in.channels,
          .height = in.height,
          .width = in.width,
          .kernel = layer.kernel,
          .stride = layer.stride,
          .padding = layer.padding,
          .out_channels = layer.out_channels,
          .groups = layer.groups,
          .extra_padding = layer.extra_padding};
}

Unary unary_of(OpKind op) {
  switch (op) {
    case OpKind::relu:
      return Unary::relu;
    case OpKind::relu6:
      return Unary::relu6;
    case OpKind::swish:
      return Unary::swish;
    case OpKind::hard_swish:
      return Unary::hard_swish;
    case OpKind::sigmoid:
      return Unary::sigmoid;
    default:
      return Unary::hard_sigmoid;
  }
}

}  // namespace carat
