// SPDX-License-Identifier: Apache-2.0
#include "models/graph/builder.h"

#include <algorithm>

#include "base/fail.h"

namespace carat {
namespace {

LayerSpec layer_of(OpKind op, const std::string& name, const std::vector<std::string>& from) {
  LayerSpec layer;
  layer.name = name;
  layer.op = op;
  layer.inputs = from;
  return layer;
}

// Zeros that TensorFlow's SAME adds along one extent. Source: TensorFlow, "Neural network" guide, padding.
int64_t same_padding(int64_t extent, int64_t kernel, int64_t stride) {
  const int64_t out = (extent + stride - 1) / stride;
  return std::max<int64_t>(0, (out - 1) * stride + kernel - extent);
}

}  // namespace

std::string GraphBuilder::add(LayerSpec layer) {
  std::vector<Shape> inputs;
  for (const std::string& from : layer.inputs) inputs.push_back(shape_of(from));
  shapes_[layer.name] = infer_shape(layer, inputs);
  layers_.push_back(std::move(layer));
  return layers_.back().name;
}

const Shape& GraphBuilder::shape_of(const std::string& layer) const {
  const auto found = shapes_.find(layer);
  require(found != shapes_.end(), "network {}: no earlier layer '{}'", name_, layer);
  return found->second;
}

std::string GraphBuilder::input(const Shape& shape) {
  LayerSpec layer = layer_of(OpKind::input, "input", {});
  layer.input_shape = shape;
  return add(layer);
}

std::string GraphBuilder::conv(const std::string& name, const std::string& from, const Conv& conv) {
  LayerSpec layer = layer_of(OpKind::conv, name, {from});
  layer.out_channels = conv.out_channels;
  layer.kernel = conv.kernel;
  layer.stride = conv.stride;
  layer.groups = conv.groups;
  layer.has_bias = conv.has_bias;
  if (conv.padding == Padding::half) layer.padding = conv.kernel / 2;
  if (conv.padding == Padding::same) {
    const Shape& in = shape_of(from);
    const int64_t zeros = same_padding(in.height, conv.kernel, conv.stride);
    require(zeros == same_padding(in.width, conv.kernel, conv.stride),
            "layer {}: SAME padding of {} differs between height and width", name, to_text(in));
    layer.padding = zeros / 2;
    layer.extra_padding = zeros % 2;
  }
  return add(layer);
}

std::string GraphBuilder::batch_norm(const std::string& name, const std::string& from, double epsilon) {
  LayerSpec layer = layer_of(OpKind::batch_norm, name, {from});
  layer.epsilon = epsilon;
  return add(layer);
}

std::string GraphBuilder::linear(const std::string& name, const std::string& from, int64_t features) {
  LayerSpec layer = layer_of(OpKind::linear, name, {from});
  layer.out_channels = features;
  layer.has_bias = true;
  return add(layer);
}

std::string GraphBuilder::unary(OpKind op, const std::string& name, const std::string& from) {
  return add(layer_of(op, name, {from}));
}

std::string GraphBuilder::join(OpKind op, const std::string& name, const std::vector<std::string>& from) {
  return add(layer_of(op, name, from));
}

std::string GraphBuilder::pool(OpKind op, const std::string& name, const std::string& from, const Pool& pool) {
  LayerSpec layer = layer_of(op, name, {from});
  layer.kernel = pool.kernel;
  layer.stride = pool.stride;
  layer.padding = pool.padding;
  if (pool.ceils) {
    const Shape& in = shape_of(from);
    const int64_t left = (in.height + 2 * pool.padding - pool.kernel) % pool.stride;
    require(in.height == in.width, "layer {}: a pool that rounds up needs a square input, got {}", name, to_text(in));
    layer.extra_padding = left == 0 ? 0 : pool.stride - left;
  }
  return add(layer);
}

std::string GraphBuilder::dropout(const std::string& name, const std::string& from, double rate) {
  LayerSpec layer = layer_of(OpKind::dropout, name, {from});
  layer.rate = rate;
  return add(layer);
}

std::string GraphBuilder::slice(const std::string& name, const std::string& from, int64_t begin, int64_t count) {
  LayerSpec layer = layer_of(OpKind::slice, name, {from});
  layer.begin = begin;
  layer.out_channels = count;
  return add(layer);
}

std::string GraphBuilder::shuffle(const std::string& name, const std::string& from, int64_t groups) {
  LayerSpec layer = layer_of(OpKind::shuffle, name, {from});
  layer.groups = groups;
  return add(layer);
}

std::string GraphBuilder::upsample(const std::string& name, const std::string& from, int64_t size) {
  LayerSpec layer = layer_of(OpKind::upsample, name, {from});
  layer.size = size;
  return add(layer);
}

}  // namespace carat
