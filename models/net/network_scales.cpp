// SPDX-License-Identifier: Apache-2.0
// Scales that are learned with a Network, or change between epochs.
#include <torch/torch.h>

#include "base/fail.h"
#include "models/net/network.h"

namespace carat {

bool Network::learns_weight_scale(size_t index) const {
  const LayerSpec& layer = graph_.layers()[index];
  return learned_.weight_scales && has_weights(layer) && layer.quant && !layer.has_unit_scale &&
         layer.quant->encoding() != Encoding::binary;
}

bool Network::learns_activation_scale(size_t index) const {
  const LayerSpec& layer = graph_.layers()[index];
  return learned_.activation_scales && layer.op == OpKind::activation_quant && !layer.has_unit_scale;
}

void Network::set_learned(const LearnedParts& parts) {
  learned_ = parts;
  scales_move_ = parts.weight_scales || parts.activation_scales;
  scales_.clear();
  zero_points_.clear();
  highest_codes_.clear();
  for (size_t i = 0; i < tensors_.size(); ++i) {
    LayerTensors& t = tensors_[i];
    for (at::Tensor* own : {&t.weight, &t.bias})
      if (own->defined() && own->is_leaf() && graph_.layers()[i].op != OpKind::scale)
        own->requires_grad_(parts.weights);
    if (learns_weight_scale(i)) scales_.push_back(t.weight_scale.contiguous().requires_grad_(true));
    if (learns_weight_scale(i)) t.weight_scale = scales_.back();
    if (!learns_activation_scale(i)) continue;
    scales_.push_back(t.scale.requires_grad_(true));
    if (!t.zero_point.defined()) continue;
    t.learned_zero_point = t.zero_point.clone().requires_grad_(true);
    zero_points_.push_back(t.learned_zero_point);
    highest_codes_.push_back(
        at::full_like(t.zero_point, static_cast<double>(graph_.layers()[i].quant->highest_code())));
  }
  smallest_scales_.clear();
  for (const at::Tensor& scale : scales_) smallest_scales_.push_back(scale.detach() * 0.01);
}

void Network::constrain_scales() {
  if (scales_.empty()) return;
  const torch::NoGradGuard no_grad;
  at::_foreach_maximum_(scales_, smallest_scales_);
  if (zero_points_.empty()) return;
  at::_foreach_clamp_min_(zero_points_, 0.0);
  at::_foreach_minimum_(zero_points_, highest_codes_);
}

void Network::take_learned_scales() {
  if (!scales_move_) return;
  const torch::NoGradGuard no_grad;
  for (size_t i = 0; i < tensors_.size(); ++i) {
    LayerTensors& t = tensors_[i];
    if (t.weight_scale.defined()) t.inverse_weight_scale.copy_(1.0 / t.weight_scale.detach());
    if (!learns_activation_scale(i)) continue;
    t.inverse_scale.copy_(1.0 / t.scale.detach());
    t.host_scale = t.scale.item<float>();
    if (t.zero_point.defined()) t.zero_point.copy_(at::round(t.learned_zero_point.detach()));
  }
}

std::vector<Network::QuantizedWeight> Network::quantized_weights() const {
  std::vector<QuantizedWeight> weights;
  for (size_t i = 0; i < tensors_.size(); ++i) {
    const LayerSpec& layer = graph_.layers()[i];
    if (!has_weights(layer) || !layer.quant || layer.has_unit_scale) continue;
    if (layer.quant->encoding() == Encoding::binary || layer.quant->encoding() == Encoding::codebook) continue;
    weights.push_back({tensors_[i].weight, tensors_[i].mask, tensors_[i].weight_scale, *layer.quant});
  }
  return weights;
}

void Network::set_weight_scales(const std::string& layer, const std::vector<float>& scales) {
  const torch::NoGradGuard no_grad;
  LayerTensors& t = tensors_[static_cast<size_t>(graph_.index_of(layer))];
  require(t.weight_scale.defined() && t.weight_scale.numel() == static_cast<int64_t>(scales.size()),
          "layer {}: expected the scales of a quantized layer, got {}", layer, scales.size());
  scales_move_ = true;
  t.weight_scale.copy_(torch::tensor(c10::ArrayRef<float>(scales), at::kFloat).view(t.weight_scale.sizes()));
  t.inverse_weight_scale.copy_(1.0 / t.weight_scale);  // in place: a captured step reads it
}

}  // namespace carat
