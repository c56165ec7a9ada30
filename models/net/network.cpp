// SPDX-License-Identifier: Apache-2.0
#include "models/net/network.h"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "base/fail.h"
#include "models/graph/codes.h"
#include "models/net/fake_quant.h"
#include "models/net/float_ops.h"
#include "models/net/gpu_ops.h"
#include "models/net/training_ops.h"

namespace carat {
namespace {

// Largest magnitude of a sum of products of codes: fan-in times the largest codes.
double sum_bound(const ModelGraph& graph, const LayerSpec& layer) {
  const std::vector<int64_t> shape = graph.weight_shape(layer);
  const int64_t fan_in = shape[1] * shape[2] * shape[3];
  constexpr double kLargestActivationCode = 255.0;
  double activation = kLargestActivationCode;
  const auto largest = [](const QuantSpec& spec) {
    return static_cast<double>(std::max(-spec.lowest_code(), spec.highest_code()));
  };
  if (const auto codes = codes_of(graph, layer.inputs.front())) activation = largest(*codes);
  return static_cast<double>(fan_in) * largest(*layer.quant) * activation;
}

at::Tensor convolve(const LayerSpec& layer, const at::Tensor& x, const at::Tensor& weights) {
  return at::conv2d(padded(layer, x, 0.0), weights, {}, layer.stride, layer.extra_padding > 0 ? 0 : layer.padding, 1,
                    layer.groups);
}

at::Tensor rounded_to_half(const at::Tensor& x) { return x.to(at::kHalf).to(at::kFloat); }

// {1, C, 1, 1}
at::Tensor per_channel(const std::vector<double>& values, const at::Device& device) {
  return torch::tensor(values, at::kDouble).to(at::kFloat).view({1, -1, 1, 1}).to(device);
}

}  // namespace

Network::Network(const Model& model, const at::Device& device) : graph_(model.graph), device_(device) {
  input_is_codes_ = input_is_codes(graph_);
  if (input_is_normalized(graph_)) {
    mean_ = per_channel(graph_.input().preprocessing->mean, device_);
    deviation_ = per_channel(graph_.input().preprocessing->deviation, device_);
  }
  const size_t count = graph_.layers().size();
  tensors_.resize(count);
  inputs_.resize(count);
  last_use_.assign(count, count);
  for (size_t i = 0; i < count; ++i) {
    load_layer(model, i);
    for (const std::string& from : graph_.layers()[i].inputs) {
      inputs_[i].push_back(static_cast<size_t>(graph_.index_of(from)));
      last_use_[inputs_[i].back()] = i;
    }
  }
  find_activations();
  feeds_weights_.resize(count);
  for (size_t i = 0; i < count; ++i)
    for (const std::string& reader : graph_.consumers(graph_.layers()[i].name))
      if (has_weights(graph_.layer(reader)) || keeps_codes(graph_.layer(reader).op)) feeds_weights_[i] = true;
}

void Network::find_activations() {
  activation_.assign(tensors_.size(), tensors_.size());
  for (size_t i = 0; i < tensors_.size(); ++i) {
    if (norm_act_of(graph_.layers()[i].op) == NormAct::none) continue;
    const size_t from = inputs_[i].front();
    const LayerSpec& norm = graph_.layers()[from];
    if (norm.op == OpKind::batch_norm && graph_.consumers(norm.name).size() == 1) activation_[from] = i;
  }
}

void Network::load_layer(const Model& model, size_t index) {
  const LayerSpec& layer = graph_.layers()[index];
  LayerTensors& t = tensors_[index];
  const auto get = [&](const char* part) { return to_tensor(model.buffer(layer.name + part), device_); };
  const auto trainable = [&](const char* part) { return get(part).requires_grad_(true); };
  if (layer.op == OpKind::batch_norm) {
    t.weight = trainable(".weight");
    t.bias = trainable(".bias");
    t.running_mean = get(".running_mean");
    t.running_var = get(".running_var");
  } else if (layer.op == OpKind::scale) {
    t.scale = get(".scale").view({1, -1, 1, 1});
    if (layer.has_bias) t.bias = get(".bias").view({1, -1, 1, 1});
  } else if (layer.op == OpKind::table) {
    t.table = get(".table");
  } else if (layer.op == OpKind::activation_quant && !layer.has_unit_scale) {
    t.scale = get(".scale");
    t.host_scale = model.buffer(layer.name + ".scale").values.front();
    t.inverse_scale = 1.0 / t.scale;
    if (layer.quant->is_shifted()) t.zero_point = get(".zero_point");
  }
  if (!has_weights(layer)) return;
  const bool has_unrounded = layer.quant && !layer.has_unit_scale && model.buffers.contains(layer.name + ".unrounded");
  t.weight = trainable(has_unrounded ? ".unrounded" : ".weight");
  if (layer.has_bias) t.bias = trainable(".bias");
  if (layer.is_masked) {
    const SparsityMask& mask = model.masks.at(layer.name);
    t.mask = torch::tensor(c10::ArrayRef<uint8_t>(mask.kept), torch::kUInt8).to(device_, torch::kFloat32);
    t.mask = t.mask.view(mask.shape);
  }
  if (!layer.quant) return;
  const double bound = sum_bound(graph_, layer);
  require(bound <= 2147483647.0, "layer {}: sums of {}-bit weight codes may reach {:.3g}, beyond 32-bit integers",
          layer.name, layer.quant->bits(), bound);
  t.needs_double = bound >= 16777216.0;
  if (layer.has_unit_scale) return;
  t.weight_scale = get(".weight_scale").view({-1, 1, 1, 1});
  t.inverse_weight_scale = 1.0 / t.weight_scale;
}

at::Tensor Network::real(const Value& value) {
  if (!value.is_codes) return value.tensor;
  if (value.is_input) return value.tensor / 255.0;
  return value.scale == 1.0F ? value.tensor : value.tensor * value.scale;
}

at::Tensor Network::effective_weights(size_t index, bool learns) const {
  const LayerTensors& t = tensors_[index];
  const LayerSpec& layer = graph_.layers()[index];
  at::Tensor kept = t.weight;
  if (t.mask.defined()) kept = regrows_ ? t.weight + (t.weight * t.mask - t.weight).detach() : t.weight * t.mask;
  if (!layer.quant || layer.has_unit_scale) return kept;
  if (learns) {
    const int64_t features = kept.numel() / t.weight_scale.numel();
    return learned_values(kept, {t.weight_scale, {}, features}, *layer.quant);
  }
  return weight_codes(kept, t.inverse_weight_scale, *layer.quant);
}

Network::Value Network::run_weights(size_t index, const Value& input, Mode mode) {
  const LayerSpec& layer = graph_.layers()[index];
  const LayerTensors& t = tensors_[index];
  const bool on_codes = layer.quant && input.is_codes && (!input.is_input || layer.has_unit_scale || !input_is_codes_);
  const bool learns = mode == Mode::train && learns_weight_scale(index);
  at::Tensor weights = effective_weights(index, learns);
  // In training the few weights are scaled in place of the many sums.
  const bool is_scaled = mode == Mode::train && on_codes && !layer.has_unit_scale;
  if (is_scaled)
    weights = weights * (learns ? at::full({1}, input.scale, weights.options()) : t.weight_scale * input.scale);
  at::Tensor x = on_codes ? input.tensor : real(input);
  if (layer.op == OpKind::linear) x = x.reshape({x.size(0), -1, 1, 1});
  if (layer.quant && !on_codes && !layer.has_unit_scale && !learns) weights = weights * t.weight_scale;
  const bool exact_float = mode == Mode::exact && !on_codes;
  const bool widen = mode != Mode::train && on_codes && t.needs_double;
  at::Tensor y;
  if (exact_float)
    y = convolve_by_specification(layer, x, weights);
  else if (widen)
    y = convolve(layer, x.to(at::kDouble), weights.to(at::kDouble)).to(at::kFloat);
  else
    y = mode == Mode::train || is_on_gpu(x) ? convolve_training(layer, x, weights) : convolve(layer, x, weights);
  if (on_codes && !layer.has_unit_scale && !is_scaled) y = y * (t.weight_scale * input.scale).view({1, -1, 1, 1});
  if (layer.has_bias) y = y + t.bias.view({1, -1, 1, 1});
  return {.tensor = y};
}

at::Tensor Network::run_norm(size_t index, const at::Tensor& x, OpKind act, Mode mode) {
  const LayerTensors& t = tensors_[index];
  const BatchNormTensors norm = {t.weight, t.bias, t.running_mean, t.running_var, graph_.layers()[index].epsilon};
  return mode == Mode::train && !norm_frozen_ ? batch_norm_training(x, norm, act) : batch_norm_inference(x, norm, act);
}

Network::Value Network::run_float(size_t index, const std::vector<at::Tensor>& inputs, Mode mode) {
  const LayerSpec& layer = graph_.layers()[index];
  const LayerTensors& t = tensors_[index];
  if (layer.op == OpKind::batch_norm) {
    if (mode != Mode::exact) return {.tensor = run_norm(index, inputs[0], OpKind::batch_norm, mode)};
    return {.tensor = at::batch_norm(inputs[0], t.weight, t.bias, t.running_mean, t.running_var, false, 0.0,
                                     layer.epsilon, false)};
  }
  if (layer.op == OpKind::multiply && mode == Mode::train) return {.tensor = multiply_training(inputs[0], inputs[1])};
  if (layer.op == OpKind::dropout && mode == Mode::train && layer.rate > 0) {
    at::Generator generator = at::detail::createCPUGenerator(dropout_seed_ + index);
    const at::Tensor kept = at::rand(inputs[0].sizes(), generator).ge_(layer.rate).to(device_);
    return {.tensor = inputs[0] * kept / (1.0 - layer.rate)};
  }
  if (layer.integer) {
    at::Tensor y = inputs[0].to(at::kDouble) * t.scale.to(at::kDouble);
    if (layer.has_bias) y = y + t.bias.to(at::kDouble);
    return {.tensor = at::floor(y * std::ldexp(1.0, -static_cast<int>(layer.integer->shift))).to(at::kFloat)};
  }
  if (layer.op == OpKind::scale) {
    const bool is_strict = layer.arithmetic == Arithmetic::fp16_strict;
    at::Tensor y = inputs[0] * t.scale;
    if (is_strict) y = rounded_to_half(y);
    if (layer.has_bias) y = y + t.bias;
    return {.tensor = is_strict ? rounded_to_half(y) : y};
  }
  return {.tensor = mode == Mode::exact ? run_by_specification(layer, inputs) : run_fast(layer, inputs)};
}

Network::Value Network::run_one(size_t index, const std::vector<Value>& inputs, Mode mode) {
  const LayerSpec& layer = graph_.layers()[index];
  const LayerTensors& t = tensors_[index];
  if (has_weights(layer)) return run_weights(index, inputs[0], mode);
  if (layer.op == OpKind::activation_quant) {
    const bool unit = layer.has_unit_scale;
    const at::Tensor inverse = unit ? at::ones({1}, at::TensorOptions().device(device_)) : t.inverse_scale;
    const at::Tensor x = real(inputs[0]);
    if (mode == Mode::train && learns_activation_scale(index))
      return {.tensor = learned_values(x, {t.scale, t.learned_zero_point, x.numel() / x.size(0)}, *layer.quant)};
    if (mode == Mode::train && !unit && !feeds_weights_[index])
      return {.tensor = quantized_values(x, {t.scale, t.inverse_scale, t.zero_point}, *layer.quant)};
    return {.tensor = t.zero_point.defined() ? shifted_codes(x, inverse, t.zero_point, *layer.quant)
                                             : activation_codes(x, inverse, *layer.quant),
            .is_codes = true,
            .scale = t.host_scale};
  }
  if (layer.op == OpKind::table) {
    const auto lowest = static_cast<double>(codes_of(graph_, layer.inputs.front())->lowest_code());
    const at::Tensor entry = (inputs[0].tensor.detach() - lowest).to(at::kLong);
    return {.tensor = t.table.index({entry}), .is_codes = true};
  }
  const bool same_scale = std::all_of(inputs.begin(), inputs.end(), [&](const Value& value) {
    return value.is_codes && value.scale == inputs[0].scale && value.is_input == inputs[0].is_input;
  });
  std::vector<at::Tensor> operands;
  const bool drops = layer.op == OpKind::dropout && mode == Mode::train;
  if (keeps_codes(layer.op) && same_scale && !drops) {
    for (const Value& value : inputs) operands.push_back(value.tensor);
    Value result = inputs[0];
    result.tensor = run_fast(layer, operands);
    return result;
  }
  for (const Value& value : inputs) operands.push_back(real(value));
  return run_float(index, operands, mode);
}

Network::Values Network::start(const at::Tensor& pixels, Mode mode) const {
  Values values(tensors_.size());
  const bool unit_input = input_is_codes_;
  const auto layout = mode != Mode::exact ? layout_ : at::MemoryFormat::Contiguous;
  values[0] = {.tensor = pixels.to(device_, at::kFloat).contiguous(layout),
               .is_codes = true,
               .scale = unit_input ? 1.0F : 1.0F / 255.0F,
               .is_input = !unit_input};
  if (mean_.defined()) {
    const at::Tensor image = (values[0].tensor / 255.0 - mean_) / deviation_;
    values[0] = {.tensor = graph_.input().arithmetic == Arithmetic::float32 ? image : rounded_to_half(image)};
  }
  return values;
}

void Network::run_layer(size_t index, Values& values, Mode mode, bool keeps_norm) {
  if (values[index].tensor.defined()) return;
  std::vector<Value> inputs;
  for (const size_t from : inputs_[index]) inputs.push_back(values[from]);
  const size_t act = activation_[index];
  if (mode != Mode::exact && act < values.size() && !keeps_norm)
    values[act] = {.tensor = run_norm(index, real(inputs[0]), graph_.layers()[act].op, mode)};
  else
    values[index] = run_one(index, inputs, mode);
}

at::Tensor Network::logits(const Values& values) {
  return real(values.back()).reshape({values.back().tensor.size(0), -1});
}

at::Tensor Network::forward(const at::Tensor& pixels, Mode mode, const std::vector<std::string>& wanted,
                            std::map<std::string, at::Tensor>& results) {
  if (mode != Mode::train) take_learned_scales();
  Values values = start(pixels, mode);
  for (size_t i = 0; i < values.size(); ++i) {
    const std::string& name = graph_.layers()[i].name;
    const bool is_wanted = std::find(wanted.begin(), wanted.end(), name) != wanted.end();
    if (i > 0) run_layer(i, values, mode, is_wanted);
    if (is_wanted) results[name] = real(values[i]);
    for (const size_t from : inputs_[i])
      if (last_use_[from] == i) values[from] = {};
  }
  return logits(values);
}

at::Tensor Network::forward(const at::Tensor& pixels, Mode mode) {
  std::map<std::string, at::Tensor> unused;
  return forward(pixels, mode, {}, unused);
}

}  // namespace carat
