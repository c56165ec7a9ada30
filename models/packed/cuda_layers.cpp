// SPDX-License-Identifier: Apache-2.0
#include "models/packed/cuda_layers.h"

#include "models/graph/codes.h"
#include "models/packed/window_of.h"

namespace carat {
namespace {

LayerKind kind_of(OpKind op) {
  switch (op) {
    case OpKind::input:
      return LayerKind::image;
    case OpKind::conv:
      return LayerKind::convolve;
    case OpKind::linear:
      return LayerKind::linear;
    case OpKind::add:
      return LayerKind::add;
    case OpKind::multiply:
      return LayerKind::multiply;
    case OpKind::max_pool:
      return LayerKind::max_pool;
    case OpKind::avg_pool:
      return LayerKind::avg_pool;
    case OpKind::global_avg_pool:
      return LayerKind::global_avg_pool;
    case OpKind::slice:
      return LayerKind::slice;
    case OpKind::shuffle:
      return LayerKind::shuffle;
    case OpKind::upsample:
      return LayerKind::upsample;
    case OpKind::pad:
      return LayerKind::pad;
    default:
      return LayerKind::copy;
  }
}

}  // namespace

ElementOp CudaLayers::element_of(const LayerSpec& spec) const {
  ElementOp op;
  const std::string& name = spec.name;
  if (spec.op == OpKind::activation_quant) {
    op.kind = ElementOp::Kind::quantize;
    op.range = {static_cast<float>(spec.quant->lowest_code()), static_cast<float>(spec.quant->highest_code()),
                spec.quant->rounding() == Rounding::half_away};
  } else if (spec.op == OpKind::scale) {
    op.kind = spec.integer                                 ? ElementOp::Kind::integer
              : spec.arithmetic == Arithmetic::fp16_strict ? ElementOp::Kind::strict
                                                           : ElementOp::Kind::scale;
    op.k = numbers_.floats(name + ".scale");
    if (spec.has_bias) op.b = numbers_.floats(name + ".bias");
    if (spec.integer) op.shift = spec.integer->shift;
  } else if (spec.op == OpKind::table) {
    op.kind = ElementOp::Kind::table;
    op.table = numbers_.floats(name + ".table");
    op.lowest = codes_of(graph_, spec.inputs.front())->lowest_code();
  } else {
    op.kind = ElementOp::Kind::unary;
    op.unary = unary_of(spec.op);
  }
  return op;
}

ElementOp CudaLayers::bias_of(const LayerSpec& spec) const {
  ElementOp op;
  op.kind = ElementOp::Kind::bias;
  op.b = numbers_.floats(spec.name + ".bias");
  return op;
}

LayerOp CudaLayers::operation_of(size_t index) const {
  const LayerSpec& spec = graph_.layers()[index];
  const Shape& in = spec.op == OpKind::input ? spec.input_shape : graph_.input_shape(spec);
  LayerOp op;
  op.kind = kind_of(spec.op);
  if (spec.op == OpKind::conv || op.kind == LayerKind::max_pool || op.kind == LayerKind::avg_pool ||
      op.kind == LayerKind::shuffle || op.kind == LayerKind::pad)
    op.window = window_of(graph_, spec);
  op.window.channels = in.channels;
  op.window.height = in.height;
  op.window.width = in.width;
  op.window.out_channels = graph_.output_shape(static_cast<int64_t>(index)).channels;
  op.begin = spec.begin;
  op.size = spec.size;
  op.fill = static_cast<float>(spec.fill);
  if (spec.op == OpKind::multiply) op.second_is_channels = graph_.shape_of(spec.inputs[1]).elements() != in.elements();
  if (has_weights(spec)) op.weights = numbers_.floats(spec.name + ".weight");
  if (spec.op == OpKind::input) op.image = image_rule();
  return op;
}

ImageRule CudaLayers::image_rule() const {
  if (input_is_codes(graph_)) return {};
  if (!input_is_normalized(graph_)) return {.kind = ImageRule::Kind::unit};
  const LayerSpec& input = graph_.input();
  return {.kind = input.arithmetic == Arithmetic::float32 ? ImageRule::Kind::normalized : ImageRule::Kind::half,
          .mean = numbers_.floats(input.name + ".mean"),
          .deviation = numbers_.floats(input.name + ".deviation")};
}

}  // namespace carat
