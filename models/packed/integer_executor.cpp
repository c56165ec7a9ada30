// SPDX-License-Identifier: Apache-2.0
#include "models/packed/integer_executor.h"

#include <algorithm>
#include <limits>

#include "base/fail.h"
#include "base/parallel.h"
#include "kernels/float_ops.h"
#include "kernels/quantize.h"
#include "kernels/scale_channels.h"
#include "models/packed/input_rule.h"

namespace carat {
namespace {

// Largest code that may reach a layer, looking through operations that keep codes.
int64_t largest_code(const ModelGraph& graph, const std::string& name) {
  const LayerSpec& layer = graph.layer(name);
  if (layer.op == OpKind::input) return 255;
  if (layer.op == OpKind::activation_quant) return layer.quant->highest_code();
  int64_t largest = 0;
  for (const std::string& from : layer.inputs) largest = std::max(largest, largest_code(graph, from));
  return largest;
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

}  // namespace

IntegerExecutor::IntegerExecutor(const PackedModel& packed)
    : model_(unpack(packed)), input_is_codes_(input_is_codes(packed.graph)) {
  const ModelGraph& graph = model_.graph;
  const size_t count = graph.layers().size();
  inputs_.resize(count);
  kernels_.resize(count);
  last_use_.assign(count, count);
  for (size_t i = 0; i < count; ++i) {
    const LayerSpec& layer = graph.layers()[i];
    for (const std::string& from : layer.inputs) {
      inputs_[i].push_back(static_cast<size_t>(graph.index_of(from)));
      last_use_[inputs_[i].back()] = i;
    }
    if (!has_weights(layer) || !layer.quant) continue;
    kernels_[i] = sparse_kernels(model_.buffer(layer.name + ".weight").values.data(), window_of(i));
    const int64_t bound = accumulator_bound(kernels_[i], largest_code(graph, layer.inputs.front()));
    require(bound <= std::numeric_limits<int32_t>::max(), "layer {}: its sums may reach {}, beyond 32-bit integers",
            layer.name, bound);
  }
}

Window IntegerExecutor::window_of(size_t index) const {
  const LayerSpec& layer = model_.graph.layers()[index];
  const Shape& in = model_.graph.input_shape(layer);
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

void IntegerExecutor::run(const uint8_t* images, int64_t count, float* logits, int64_t threads) const {
  const int64_t image = model_.graph.input().input_shape.elements();
  const int64_t classes = model_.graph.classes();
  parallel_ranges(count, threads, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      run_observed(images + i * image, logits + i * classes, [](size_t, const std::vector<float>&) {});
  });
}

void IntegerExecutor::run_observed(const uint8_t* image, float* logits, const Observer& observer) const {
  std::vector<Values> values(inputs_.size());
  values[0] = {std::vector<float>(static_cast<size_t>(model_.graph.input().input_shape.elements())), input_is_codes_};
  input_values(model_.graph, image, values[0].data.data());
  observer(0, values[0].data);
  for (size_t i = 1; i < values.size(); ++i) {
    std::vector<const Values*> inputs;
    for (const size_t from : inputs_[i]) inputs.push_back(&values[from]);
    values[i] = run_layer(i, inputs);
    observer(i, values[i].data);
    for (const size_t from : inputs_[i])
      if (last_use_[from] == i) values[from] = {};
  }
  std::copy(values.back().data.begin(), values.back().data.end(), logits);
}

IntegerExecutor::Values IntegerExecutor::run_weights(size_t index, const Values& input) const {
  const LayerSpec& layer = model_.graph.layers()[index];
  const Window window = window_of(index);
  Values result;
  result.data.resize(static_cast<size_t>(model_.graph.output_shape(static_cast<int64_t>(index)).elements()));
  if (layer.quant && input.is_codes) {
    std::vector<int32_t> sums(result.data.size());
    convolve_codes(input.data.data(), kernels_[index], window, sums.data());
    std::transform(sums.begin(), sums.end(), result.data.begin(), [](int32_t sum) { return static_cast<float>(sum); });
  } else {
    convolve_float(input.data.data(), model_.buffer(layer.name + ".weight").values.data(), window, result.data.data());
  }
  if (!layer.has_bias) return result;
  const std::vector<float>& bias = model_.buffer(layer.name + ".bias").values;
  const size_t pixels = result.data.size() / bias.size();
  for (size_t i = 0; i < result.data.size(); ++i) result.data[i] += bias[i / pixels];
  return result;
}

IntegerExecutor::Values IntegerExecutor::run_layer(size_t index, const std::vector<const Values*>& inputs) const {
  const LayerSpec& layer = model_.graph.layers()[index];
  if (has_weights(layer)) return run_weights(index, *inputs[0]);
  const Shape& shape = model_.graph.output_shape(static_cast<int64_t>(index));
  const std::vector<float>& x = inputs[0]->data;
  Values result{std::vector<float>(static_cast<size_t>(shape.elements())), false};
  float* y = result.data.data();
  const auto n = static_cast<int64_t>(x.size());
  switch (layer.op) {
    case OpKind::activation_quant:
      quantize_codes(x.data(), n,
                     {static_cast<float>(layer.quant->lowest_code()), static_cast<float>(layer.quant->highest_code()),
                      layer.quant->rounding() == Rounding::half_away},
                     y);
      result.is_codes = true;
      break;
    case OpKind::scale:
      (layer.arithmetic == Arithmetic::fp16_strict ? scale_channels_strict : scale_channels)(
          x.data(), shape.channels, shape.height * shape.width, model_.buffer(layer.name + ".scale").values.data(),
          layer.has_bias ? model_.buffer(layer.name + ".bias").values.data() : nullptr, y);
      break;
    case OpKind::add:
      result.data = x;
      for (size_t i = 1; i < inputs.size(); ++i)
        for (size_t j = 0; j < x.size(); ++j) y[j] += inputs[i]->data[j];
      break;
    case OpKind::multiply:
      for (size_t j = 0; j < x.size(); ++j) y[j] = x[j] * inputs[1]->data[j * inputs[1]->data.size() / x.size()];
      break;
    case OpKind::concat:
      for (const Values* input : inputs) y = std::copy(input->data.begin(), input->data.end(), y);
      result.is_codes = std::all_of(inputs.begin(), inputs.end(), [](const Values* v) { return v->is_codes; });
      break;
    case OpKind::max_pool:
      max_pool(x.data(), window_of(index), y);
      result.is_codes = inputs[0]->is_codes;
      break;
    case OpKind::avg_pool:
      avg_pool(x.data(), window_of(index), y);
      break;
    case OpKind::global_avg_pool:
      global_avg_pool(x.data(), shape.channels, n / shape.channels, y);
      break;
    case OpKind::slice:
      std::copy_n(x.begin() + layer.begin * shape.height * shape.width, shape.elements(), y);
      result.is_codes = inputs[0]->is_codes;
      break;
    case OpKind::shuffle:
      shuffle_channels(x.data(), window_of(index), y);
      result.is_codes = inputs[0]->is_codes;
      break;
    case OpKind::upsample:
      upsample_nearest(x.data(), window_of(index), layer.size, y);
      result.is_codes = inputs[0]->is_codes;
      break;
    case OpKind::dropout:
      result = *inputs[0];
      break;
    default:
      apply_unary(unary_of(layer.op), x.data(), n, y);
  }
  return result;
}

std::vector<int64_t> IntegerExecutor::predict(std::span<const uint8_t> pixels, int64_t threads) const {
  const auto image = static_cast<size_t>(model_.graph.input().input_shape.elements());
  require(pixels.size() % image == 0, "expected images of {} bytes, got {} bytes", image, pixels.size());
  const auto count = static_cast<int64_t>(pixels.size() / image);
  const int64_t classes = model_.graph.classes();
  std::vector<float> logits(static_cast<size_t>(count * classes));
  run(pixels.data(), count, logits.data(), threads);
  std::vector<int64_t> predicted;
  for (int64_t i = 0; i < count; ++i) {
    const float* row = logits.data() + i * classes;
    predicted.push_back(std::max_element(row, row + classes) - row);
  }
  return predicted;
}

}  // namespace carat
