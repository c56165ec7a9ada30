// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/half.h"
#include "kernels/float_ops.h"
#include "kernels/layer_ops.h"
#include "kernels/quantize.h"
#include "kernels/scalar/layer_ops.h"
#include "kernels/scale_channels.h"

namespace carat {
namespace {

using Values = std::vector<float>;

// Image n of a value as {C, H, W}.
Values image_of(const ValueView& view, int64_t n, const LayerExtents& e) {
  const int64_t pixels = e.height * e.width;
  Values values(static_cast<size_t>(e.channels * pixels));
  for (int64_t c = 0; c < e.channels; ++c)
    for (int64_t p = 0; p < pixels; ++p)
      values[static_cast<size_t>(c * pixels + p)] = scalar::read_value(view, (n * pixels + p) * e.channels + c);
  return values;
}

Values normalized(const LayerOp& op, int64_t n) {
  const Window& w = op.window;
  const int64_t pixels = w.height * w.width;
  const uint8_t* image = static_cast<const uint8_t*>(op.inputs[0].data) + n * w.channels * pixels;
  Values values(image, image + w.channels * pixels);
  if (op.image.kind == ImageRule::Kind::codes) return values;
  for (float& value : values) value /= 255.0F;
  if (op.image.kind == ImageRule::Kind::unit) return values;
  for (int64_t i = 0; i < w.channels * pixels; ++i) {
    float& value = values[static_cast<size_t>(i)];
    value = (value - op.image.mean[i / pixels]) / op.image.deviation[i / pixels];
    if (op.image.kind == ImageRule::Kind::half) value = round_to_half(value);
  }
  return values;
}

// {C/groups, R, S, K} to {K, C/groups, R, S}.
Values kernels_first(const LayerOp& op) {
  const Window& w = op.window;
  const int64_t depth =
      op.kind == LayerKind::linear ? w.channels * w.height * w.width : w.channels / w.groups * w.kernel * w.kernel;
  Values weights;
  for (int64_t k = 0; k < w.out_channels; ++k)
    for (int64_t d = 0; d < depth; ++d) weights.push_back(op.weights[d * w.out_channels + k]);
  return weights;
}

Window as_vector(const Window& w) {
  return {.channels = w.channels * w.height * w.width, .out_channels = w.out_channels};
}

void multiply(const Values& x, const Values& factors, float* y) {
  for (size_t i = 0; i < x.size(); ++i) y[i] = x[i] * factors[i * factors.size() / x.size()];
}

Values operation(const LayerOp& op, int64_t n) {
  const Window& w = op.window;
  const LayerExtents in = {w.channels, w.height, w.width};
  const LayerExtents out = extents_of(op);
  if (op.kind == LayerKind::image) return normalized(op, n);
  const Values x = image_of(op.inputs[0], n, in);
  Values y(static_cast<size_t>(out.channels * out.height * out.width));
  switch (op.kind) {
    case LayerKind::add:
      y = x;
      for (size_t i = 1; i < op.inputs.size(); ++i)
        std::transform(y.begin(), y.end(), image_of(op.inputs[i], n, in).begin(), y.begin(), std::plus<float>());
      break;
    case LayerKind::multiply:
      multiply(x, image_of(op.inputs[1], n, op.second_is_channels ? LayerExtents{w.channels, 1, 1} : in), y.data());
      break;
    case LayerKind::max_pool:
      max_pool(x.data(), w, y.data());
      break;
    case LayerKind::avg_pool:
      avg_pool(x.data(), w, y.data());
      break;
    case LayerKind::global_avg_pool:
      global_avg_pool(x.data(), w.channels, w.height * w.width, y.data());
      break;
    case LayerKind::slice:
      std::copy_n(x.data() + op.begin * w.height * w.width, y.size(), y.data());
      break;
    case LayerKind::shuffle:
      shuffle_channels(x.data(), w, y.data());
      break;
    case LayerKind::upsample:
      upsample_nearest(x.data(), w, op.size, y.data());
      break;
    case LayerKind::pad:
      pad_border(x.data(), w, op.fill, y.data());
      break;
    case LayerKind::convolve:
    case LayerKind::linear:
      convolve_float(x.data(), kernels_first(op).data(), op.kind == LayerKind::linear ? as_vector(w) : w, y.data());
      break;
    default:
      y = x;
  }
  return y;
}

void finish_channel(const ElementOp& op, int64_t c, int64_t n, float* x) {
  const float* k = op.k != nullptr ? op.k + c : nullptr;
  const float* b = op.b != nullptr ? op.b + c : nullptr;
  switch (op.kind) {
    case ElementOp::Kind::scale:
      return scale_channels(x, 1, n, k, b, x);
    case ElementOp::Kind::strict:
      return scale_channels_strict(x, 1, n, k, b, x);
    case ElementOp::Kind::integer:
      return scale_channels_integer(x, {1, n}, {k, b, op.shift}, x);
    case ElementOp::Kind::bias:
      for (int64_t i = 0; i < n; ++i) x[i] += *b;
      return;
    case ElementOp::Kind::quantize:
      return quantize_codes(x, n, op.range, x);
    case ElementOp::Kind::table:
      for (int64_t i = 0; i < n; ++i) x[i] = op.table[static_cast<int64_t>(x[i]) - op.lowest];
      return;
    case ElementOp::Kind::unary:
      return apply_unary(op.unary, x, n, x);
  }
}

}  // namespace

LayerExtents extents_of(const LayerOp& op) {
  const Window& w = op.window;
  switch (op.kind) {
    case LayerKind::max_pool:
    case LayerKind::avg_pool:
      return {w.channels, w.out_height(), w.out_width()};
    case LayerKind::convolve:
      return {w.out_channels, w.out_height(), w.out_width()};
    case LayerKind::linear:
      return {w.out_channels, 1, 1};
    case LayerKind::global_avg_pool:
      return {w.channels, 1, 1};
    case LayerKind::slice:
      return {w.out_channels, w.height, w.width};
    case LayerKind::upsample:
      return {w.channels, op.size, op.size};
    case LayerKind::pad:
      return {w.channels, w.height + 2 * w.padding + w.extra_padding, w.width + 2 * w.padding + w.extra_padding};
    default:
      return {w.channels, w.height, w.width};
  }
}

const char* name_of(LayerKind kind) {
  constexpr const char* kNames[] = {"image",           "copy",  "add",     "multiply", "max_pool", "avg_pool",
                                    "global_avg_pool", "slice", "shuffle", "upsample", "pad",      "convolve_float",
                                    "linear"};
  return kNames[static_cast<size_t>(kind)];
}

void run_layer(const LayerOp& op, const LayerFinish& finish) {
  const LayerExtents out = extents_of(op);
  const int64_t pixels = out.height * out.width;
  for (int64_t n = 0; n < op.batch; ++n) {
    Values y = operation(op, n);
    for (int64_t c = 0; c < out.channels; ++c) {
      float* plane = y.data() + c * pixels;
      const int64_t channel = finish.first_channel + c;
      for (int i = 0; i < finish.count; ++i) finish_channel(finish.ops[i], channel, pixels, plane);
      for (int64_t p = 0; p < pixels; ++p)
        scalar::write_value(finish.data, finish.form, (n * pixels + p) * finish.channels + channel, plane[p]);
    }
  }
}

}  // namespace carat
