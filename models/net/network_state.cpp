// SPDX-License-Identifier: Apache-2.0
// Numbers in and out of a Network: parameters, checkpoints, stage models.
#include <torch/torch.h>

#include "base/fail.h"
#include "models/net/network.h"

namespace carat {

Buffer to_buffer(const at::Tensor& tensor) {
  const at::Tensor plain = tensor.detach().to(at::kCPU, at::kFloat).contiguous();
  const float* data = plain.data_ptr<float>();
  return {plain.sizes().vec(), std::vector<float>(data, data + plain.numel())};
}

at::Tensor to_tensor(const Buffer& buffer, const at::Device& device) {
  return torch::tensor(c10::ArrayRef<float>(buffer.values), at::kFloat).reshape(buffer.shape).to(device);
}

std::vector<Parameter> Network::parameters() const {
  std::vector<Parameter> parameters;
  for (size_t i = 0; i < tensors_.size(); ++i) {
    const LayerSpec& layer = graph_.layers()[i];
    const LayerTensors& t = tensors_[i];
    const bool is_norm = layer.op == OpKind::batch_norm;
    if (learns_activation_scale(i)) {
      parameters.push_back({layer.name + ".scale", t.scale, false, true});
      if (t.learned_zero_point.defined())
        parameters.push_back({layer.name + ".zero_point", t.learned_zero_point, false, true});
    }
    if (learns_weight_scale(i)) parameters.push_back({layer.name + ".weight_scale", t.weight_scale, false, true});
    if (!learned_.weights || (!is_norm && !has_weights(layer))) continue;
    parameters.push_back({layer.name + ".weight", t.weight, !is_norm});
    if (is_norm || layer.has_bias) parameters.push_back({layer.name + ".bias", t.bias, false});
  }
  return parameters;
}

void Network::set_weights(const std::string& layer, const std::vector<float>& values) {
  const torch::NoGradGuard no_grad;
  at::Tensor& weight = tensors_[static_cast<size_t>(graph_.index_of(layer))].weight;
  require(static_cast<int64_t>(values.size()) == weight.numel(), "layer {}: expected {} weights, got {}", layer,
          weight.numel(), values.size());
  weight.copy_(torch::tensor(c10::ArrayRef<float>(values), at::kFloat).view_as(weight));
}

Network::LayerTensors& Network::masked(const std::string& layer) {
  LayerTensors& t = tensors_[static_cast<size_t>(graph_.index_of(layer))];
  require(t.mask.defined(), "layer {}: expected a masked layer", layer);
  return t;
}

at::Tensor Network::dense_weights(const std::string& layer) const {
  return tensors_[static_cast<size_t>(graph_.index_of(layer))].weight.detach();
}

at::Tensor Network::mask(const std::string& layer) const {
  return tensors_[static_cast<size_t>(graph_.index_of(layer))].mask;
}

void Network::set_mask(const std::string& layer, const at::Tensor& kept) {
  at::Tensor& mask = masked(layer).mask;
  mask.copy_(kept.reshape(mask.sizes()));
}

void Network::settle_masks() {
  const torch::NoGradGuard no_grad;
  for (LayerTensors& t : tensors_)
    if (t.mask.defined()) t.weight.mul_(t.mask);
}

std::map<std::string, at::Tensor> Network::state() const {
  std::map<std::string, at::Tensor> state;
  for (size_t i = 0; i < tensors_.size(); ++i) {
    const LayerSpec& layer = graph_.layers()[i];
    const LayerTensors& t = tensors_[i];
    if (learns_activation_scale(i)) {
      state[layer.name + ".scale"] = t.scale;
      if (t.learned_zero_point.defined()) state[layer.name + ".zero_point"] = t.learned_zero_point;
    }
    if (!has_weights(layer) && layer.op != OpKind::batch_norm) continue;
    if (t.weight_scale.defined()) state[layer.name + ".weight_scale"] = t.weight_scale;
    state[layer.name + ".weight"] = t.weight;
    if (t.bias.defined()) state[layer.name + ".bias"] = t.bias;
    if (t.mask.defined()) state[layer.name + ".mask"] = t.mask;
    if (layer.op != OpKind::batch_norm) continue;
    state[layer.name + ".running_mean"] = t.running_mean;
    state[layer.name + ".running_var"] = t.running_var;
  }
  return state;
}

void Network::load_state(const std::map<std::string, Buffer>& state) {
  const torch::NoGradGuard no_grad;
  for (auto& [name, tensor] : this->state()) {
    const auto found = state.find(name);
    require(found != state.end(), "checkpoint: no tensor {}", name);
    at::Tensor target = tensor;
    target.copy_(to_tensor(found->second, device_).view(target.sizes()));
  }
  for (LayerTensors& t : tensors_)
    if (t.weight_scale.defined()) t.inverse_weight_scale.copy_(1.0 / t.weight_scale);
}

void Network::store(Model& model) const {
  const torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : state())
    if (!name.ends_with(".mask")) model.buffers[name].values = to_buffer(tensor).values;
  for (size_t i = 0; i < tensors_.size(); ++i)
    if (tensors_[i].learned_zero_point.defined())
      model.buffers[graph_.layers()[i].name + ".zero_point"].values =
          to_buffer(at::round(tensors_[i].learned_zero_point)).values;
  for (size_t i = 0; i < tensors_.size(); ++i) {
    const LayerSpec& layer = graph_.layers()[i];
    if (!has_weights(layer)) continue;
    if (tensors_[i].mask.defined()) {
      const at::Tensor kept = tensors_[i].mask.to(at::kCPU, at::kByte).contiguous();
      model.masks[layer.name].kept.assign(kept.const_data_ptr<uint8_t>(),
                                          kept.const_data_ptr<uint8_t>() + kept.numel());
    }
    const bool learns = learns_weight_scale(i);
    at::Tensor weights = effective_weights(i, learns);
    if (layer.quant && !layer.has_unit_scale && !learns) weights = weights * tensors_[i].weight_scale;
    model.buffers[layer.name + ".weight"].values = to_buffer(weights + 0.0).values;  // -0 becomes 0
    if (!layer.quant || layer.has_unit_scale) continue;
    const LayerTensors& t = tensors_[i];
    model.buffers[layer.name + ".unrounded"] = to_buffer((t.mask.defined() ? t.weight * t.mask : t.weight) + 0.0);
  }
}

}  // namespace carat
