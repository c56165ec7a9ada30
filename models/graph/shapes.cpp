// SPDX-License-Identifier: Apache-2.0
// Shape inference: one rule per operation.
#include "base/fail.h"
#include "models/graph/graph.h"

namespace carat {
namespace {

int64_t windows(const LayerSpec& layer, int64_t extent) {
  require(layer.kernel >= 1 && layer.stride >= 1 && layer.padding >= 0 && layer.padding < layer.kernel,
          "layer {}: illegal window: kernel {}, stride {}, padding {}", layer.name, layer.kernel, layer.stride,
          layer.padding);
  const int64_t span = extent + 2 * layer.padding - layer.kernel;
  require(span >= 0, "layer {}: a {}x{} window does not fit an input of {} pixels", layer.name, layer.kernel,
          layer.kernel, extent);
  return span / layer.stride + 1;
}

Shape windowed(const LayerSpec& layer, const Shape& in, int64_t channels) {
  return {channels, windows(layer, in.height), windows(layer, in.width)};
}

Shape conv_shape(const LayerSpec& layer, const Shape& in) {
  require(layer.out_channels >= 1, "layer {}: needs at least one output channel", layer.name);
  require(layer.groups >= 1 && in.channels % layer.groups == 0 && layer.out_channels % layer.groups == 0,
          "layer {}: {} groups do not divide {} input and {} output channels", layer.name, layer.groups, in.channels,
          layer.out_channels);
  return windowed(layer, in, layer.out_channels);
}

Shape multiply_shape(const LayerSpec& layer, const Shape& a, const Shape& b) {
  const bool per_channel = b.channels == a.channels && b.height == 1 && b.width == 1;
  require(a == b || per_channel, "layer {}: cannot multiply {} by {}", layer.name, to_text(a), to_text(b));
  return a;
}

Shape concat_shape(const LayerSpec& layer, const std::vector<Shape>& inputs) {
  Shape sum = inputs.front();
  for (size_t i = 1; i < inputs.size(); ++i) {
    require(inputs[i].height == sum.height && inputs[i].width == sum.width, "layer {}: cannot concatenate {} and {}",
            layer.name, to_text(inputs.front()), to_text(inputs[i]));
    sum.channels += inputs[i].channels;
  }
  return sum;
}

Shape add_shape(const LayerSpec& layer, const std::vector<Shape>& inputs) {
  for (const Shape& shape : inputs)
    require(shape == inputs.front(), "layer {}: cannot add {} and {}", layer.name, to_text(inputs.front()),
            to_text(shape));
  return inputs.front();
}

}  // namespace

Shape infer_shape(const LayerSpec& layer, const std::vector<Shape>& inputs) {
  switch (layer.op) {
    case OpKind::input:
      require(layer.input_shape.elements() >= 1, "layer {}: empty input shape {}", layer.name,
              to_text(layer.input_shape));
      return layer.input_shape;
    case OpKind::conv:
      return conv_shape(layer, inputs[0]);
    case OpKind::linear:
      require(layer.out_channels >= 1, "layer {}: needs at least one output", layer.name);
      return {layer.out_channels, 1, 1};
    case OpKind::add:
      return add_shape(layer, inputs);
    case OpKind::multiply:
      return multiply_shape(layer, inputs[0], inputs[1]);
    case OpKind::concat:
      return concat_shape(layer, inputs);
    case OpKind::max_pool:
    case OpKind::avg_pool:
      return windowed(layer, inputs[0], inputs[0].channels);
    case OpKind::global_avg_pool:
      return {inputs[0].channels, 1, 1};
    case OpKind::upsample:
      require(layer.factor >= 1, "layer {}: the factor must be at least 1, got {}", layer.name, layer.factor);
      return {inputs[0].channels, inputs[0].height * layer.factor, inputs[0].width * layer.factor};
    case OpKind::dropout:
      require(layer.rate >= 0.0 && layer.rate < 1.0, "layer {}: dropout rate must be in [0, 1), got {}", layer.name,
              layer.rate);
      return inputs[0];
    default:
      return inputs[0];
  }
}

}  // namespace carat
