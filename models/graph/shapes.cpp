// SPDX-License-Identifier: Apache-2.0
// Shape inference: one rule per operation.
#include <cmath>

#include "base/fail.h"
#include "models/graph/graph.h"

namespace carat {
namespace {

int64_t windows(const LayerSpec& layer, int64_t extent) {
  require(layer.kernel >= 1 && layer.stride >= 1 && layer.padding >= 0 && layer.padding < layer.kernel &&
              layer.extra_padding >= 0 && layer.extra_padding < layer.kernel,
          "layer {}: illegal window: kernel {}, stride {}, padding {} + {}", layer.name, layer.kernel, layer.stride,
          layer.padding, layer.extra_padding);
  const int64_t span = extent + 2 * layer.padding + layer.extra_padding - layer.kernel;
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

void check_preprocessing(const LayerSpec& layer) {
  if (!layer.preprocessing) return;
  const Preprocessing& how = *layer.preprocessing;
  const auto channels = static_cast<size_t>(layer.input_shape.channels);
  require(how.mean.size() == how.deviation.size() && (how.mean.empty() || how.mean.size() == channels),
          "layer {}: expected a mean and a deviation for each of {} channels, got {} and {}", layer.name, channels,
          how.mean.size(), how.deviation.size());
  for (size_t c = 0; c < how.mean.size(); ++c)
    require(std::isfinite(how.mean[c]) && std::isfinite(how.deviation[c]) && how.deviation[c] > 0.0,
            "layer {}: channel {}: mean {} and deviation {} cannot normalise", layer.name, c, how.mean[c],
            how.deviation[c]);
  require(how.resize >= 0 && how.background_classes >= 0, "layer {}: illegal preprocessing", layer.name);
}

}  // namespace

Shape infer_shape(const LayerSpec& layer, const std::vector<Shape>& inputs) {
  switch (layer.op) {
    case OpKind::input:
      require(layer.input_shape.elements() >= 1, "layer {}: empty input shape {}", layer.name,
              to_text(layer.input_shape));
      check_preprocessing(layer);
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
      require(layer.size >= inputs[0].height && layer.size >= inputs[0].width,
              "layer {}: upsampling to {} pixels needs a smaller input than {}", layer.name, layer.size,
              to_text(inputs[0]));
      return {inputs[0].channels, layer.size, layer.size};
    case OpKind::pad:
      require(layer.padding >= 0 && layer.extra_padding >= 0, "layer {}: illegal border {} + {}", layer.name,
              layer.padding, layer.extra_padding);
      return {inputs[0].channels, inputs[0].height + 2 * layer.padding + layer.extra_padding,
              inputs[0].width + 2 * layer.padding + layer.extra_padding};
    case OpKind::slice:
      require(layer.begin >= 0 && layer.out_channels >= 1 && layer.begin + layer.out_channels <= inputs[0].channels,
              "layer {}: channels {} to {} are not among the {} of its input", layer.name, layer.begin,
              layer.begin + layer.out_channels - 1, inputs[0].channels);
      return {layer.out_channels, inputs[0].height, inputs[0].width};
    case OpKind::shuffle:
      require(layer.groups >= 1 && inputs[0].channels % layer.groups == 0,
              "layer {}: {} groups do not divide {} channels", layer.name, layer.groups, inputs[0].channels);
      return inputs[0];
    case OpKind::dropout:
      require(layer.rate >= 0.0 && layer.rate < 1.0, "layer {}: dropout rate must be in [0, 1), got {}", layer.name,
              layer.rate);
      return inputs[0];
    default:
      return inputs[0];
  }
}

}  // namespace carat
