// SPDX-License-Identifier: Apache-2.0
#include "models/packed/plain_layer.h"

#include <algorithm>

#include "kernels/float_ops.h"
#include "kernels/quantize.h"
#include "kernels/scale_channels.h"
#include "models/graph/codes.h"
#include "models/packed/window_of.h"

namespace carat {
namespace {

void run_scale(const Model& model, const LayerSpec& layer, const float* x, float* y) {
  const Shape& shape = model.graph.shape_of(layer.name);
  const int64_t pixels = shape.height * shape.width;
  const float* k = model.buffer(layer.name + ".scale").values.data();
  const float* b = layer.has_bias ? model.buffer(layer.name + ".bias").values.data() : nullptr;
  if (layer.integer)
    scale_channels_integer(x, {shape.channels, pixels}, {k, b, layer.integer->shift}, y);
  else if (layer.arithmetic == Arithmetic::fp16_strict)
    scale_channels_strict(x, shape.channels, pixels, k, b, y);
  else
    scale_channels(x, shape.channels, pixels, k, b, y);
}

void run_table(const Model& model, const LayerSpec& layer, const float* x, float* y) {
  const std::vector<float>& table = model.buffer(layer.name + ".table").values;
  const int64_t lowest = codes_of(model.graph, layer.inputs.front())->lowest_code();
  const int64_t n = model.graph.shape_of(layer.name).elements();
  for (int64_t i = 0; i < n; ++i) y[i] = table[static_cast<size_t>(static_cast<int64_t>(x[i]) - lowest)];
}

void run_multiply(const ModelGraph& graph, const LayerSpec& layer, std::span<const float* const> inputs, float* y) {
  const int64_t n = graph.input_shape(layer).elements();
  const int64_t second = graph.shape_of(layer.inputs[1]).elements();
  const int64_t shared = n / second;  // values that one factor multiplies
  for (int64_t j = 0; j < second; ++j)
    for (int64_t i = j * shared; i < (j + 1) * shared; ++i) y[i] = inputs[0][i] * inputs[1][j];
}

}  // namespace

bool gives_codes(const ModelGraph& graph, const LayerSpec& layer, bool inputs_are_codes) {
  if (layer.op == OpKind::input) return input_is_codes(graph);
  if (layer.op == OpKind::activation_quant || layer.op == OpKind::table) return true;
  return keeps_codes(layer.op) && inputs_are_codes;
}

void run_weight_layer(const Model& model, size_t index, const SparseKernels* kernels, const float* x, float* y) {
  const LayerSpec& layer = model.graph.layers()[index];
  const Window window = window_of(model.graph, layer);
  const int64_t n = model.graph.output_shape(static_cast<int64_t>(index)).elements();
  if (kernels != nullptr) {
    std::vector<int32_t> sums(static_cast<size_t>(n));
    convolve_codes(x, *kernels, window, sums.data());
    std::transform(sums.begin(), sums.end(), y, [](int32_t sum) { return static_cast<float>(sum); });
  } else {
    convolve_float(x, model.buffer(layer.name + ".weight").values.data(), window, y);
  }
  if (!layer.has_bias) return;
  const std::vector<float>& bias = model.buffer(layer.name + ".bias").values;
  const int64_t pixels = n / static_cast<int64_t>(bias.size());
  for (int64_t i = 0; i < n; ++i) y[i] += bias[static_cast<size_t>(i / pixels)];
}

void run_plain_layer(const Model& model, size_t index, std::span<const float* const> inputs, float* y) {
  const LayerSpec& layer = model.graph.layers()[index];
  const Shape& shape = model.graph.output_shape(static_cast<int64_t>(index));
  const Shape& in = model.graph.input_shape(layer);
  const float* x = inputs[0];
  const int64_t n = in.elements();
  const Window window = window_of(model.graph, layer);
  switch (layer.op) {
    case OpKind::activation_quant:
      return quantize_codes(
          x, n,
          {static_cast<float>(layer.quant->lowest_code()), static_cast<float>(layer.quant->highest_code()),
           layer.quant->rounding() == Rounding::half_away},
          y);
    case OpKind::scale:
      return run_scale(model, layer, x, y);
    case OpKind::table:
      return run_table(model, layer, x, y);
    case OpKind::add:
      std::copy_n(x, n, y);
      for (const float* input : inputs.subspan(1))
        for (int64_t i = 0; i < n; ++i) y[i] += input[i];
      return;
    case OpKind::multiply:
      return run_multiply(model.graph, layer, inputs, y);
    case OpKind::concat:
      for (size_t i = 0; i < inputs.size(); ++i)
        y = std::copy_n(inputs[i], model.graph.shape_of(layer.inputs[i]).elements(), y);
      return;
    case OpKind::max_pool:
      return max_pool(x, window, y);
    case OpKind::avg_pool:
      return avg_pool(x, window, y);
    case OpKind::global_avg_pool:
      return global_avg_pool(x, in.channels, in.height * in.width, y);
    case OpKind::slice:
      std::copy_n(x + layer.begin * shape.height * shape.width, shape.elements(), y);
      return;
    case OpKind::shuffle:
      return shuffle_channels(x, window, y);
    case OpKind::upsample:
      return upsample_nearest(x, window, layer.size, y);
    case OpKind::pad:
      return pad_border(x, window, static_cast<float>(layer.fill), y);
    case OpKind::dropout:
      std::copy_n(x, n, y);
      return;
    default:
      return apply_unary(unary_of(layer.op), x, n, y);
  }
}

}  // namespace carat
