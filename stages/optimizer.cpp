// SPDX-License-Identifier: Apache-2.0
#include "stages/optimizer.h"

#include <torch/torch.h>

#include "base/fail.h"

namespace carat {

Optimizer::Optimizer(std::vector<Parameter> parameters, OptimizerOptions options)
    : parameters_(std::move(parameters)), options_(std::move(options)), groups_(3) {
  require(!parameters_.empty(), "expected a network with parameters to train, found none");
  groups_[0].weight_decay = options_.weight_decay;
  const at::Device device = parameters_.front().value.device();
  const at::TensorOptions number = at::TensorOptions(device.is_cuda() ? at::kFloat : at::kDouble).device(device);
  for (Group& group : groups_) group.rate = at::zeros({}, number);
  groups_[2].lr = options_.scale_lr;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const at::Tensor& value = parameters_[i].value;
    groups_[parameters_[i].is_scale ? 2 : parameters_[i].decays ? 0 : 1].members.push_back(i);
    first_.push_back(at::zeros_like(value));
    if (options_.kind != "adamw") continue;
    second_.push_back(at::zeros_like(value));
    steps_.push_back(at::zeros({}, value.options().requires_grad(false)));
  }
}

void Optimizer::clip() {
  if (options_.gradient_clip <= 0.0) return;
  std::vector<at::Tensor> gradients;
  for (const Parameter& parameter : parameters_)
    if (parameter.value.grad().defined()) gradients.push_back(parameter.value.grad());
  if (gradients.empty()) return;
  const at::Tensor norm = at::stack(at::_foreach_norm(gradients)).norm();
  const at::Tensor factor = (options_.gradient_clip / (norm + 1e-6)).clamp_max(1.0);
  at::_foreach_mul_(gradients, factor);
}

void Optimizer::step_group(const Group& group) {
  std::vector<at::Tensor> values, gradients, first, second, steps;
  for (const size_t i : group.members) {
    if (!parameters_[i].value.grad().defined()) continue;
    values.push_back(parameters_[i].value);
    gradients.push_back(parameters_[i].value.grad());
    first.push_back(first_[i]);
    if (options_.kind != "adamw") continue;
    second.push_back(second_[i]);
    steps.push_back(steps_[i]);
  }
  if (values.empty()) return;
  constexpr double kEpsilon = 1e-8;
  if (options_.kind == "adamw") {
    at::_foreach_add_(steps, 1);
    at::_fused_adamw_(values, gradients, first, second, {}, steps, group.rate, options_.momentum, options_.beta2,
                      group.weight_decay, kEpsilon, false, false);
    return;
  }
  if (options_.momentum == 0.0) first.clear();
  at::_fused_sgd_(values, gradients, first, group.weight_decay, options_.momentum, group.rate, 0.0, options_.nesterov,
                  false, false);
}

void Optimizer::set_lr(double lr) {
  for (Group& group : groups_) group.rate.fill_(lr * group.lr);
}

void Optimizer::step() {
  const torch::NoGradGuard no_grad;
  clip();
  for (const Group& group : groups_) step_group(group);
  for (Parameter& parameter : parameters_) parameter.value.mutable_grad().reset();
}

void Optimizer::apply_mask(const std::string& parameter, const at::Tensor& mask) {
  const torch::NoGradGuard no_grad;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (parameters_[i].name != parameter) continue;
    first_[i].mul_(mask);
    if (!second_.empty()) second_[i].mul_(mask);
  }
}

std::map<std::string, at::Tensor> Optimizer::state() const {
  std::map<std::string, at::Tensor> state;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const std::string& name = parameters_[i].name;
    if (options_.kind == "adamw") {
      state[name + ".first"] = first_[i];
      state[name + ".second"] = second_[i];
      state[name + ".steps"] = steps_[i];
    } else {
      state[name + ".momentum"] = first_[i];
    }
  }
  return state;
}

void Optimizer::load_state(const std::map<std::string, at::Tensor>& state) {
  const torch::NoGradGuard no_grad;
  for (auto& [name, tensor] : this->state()) {
    const auto found = state.find(name);
    require(found != state.end(), "checkpoint: no optimizer state {}", name);
    at::Tensor target = tensor;
    target.copy_(found->second.reshape(target.sizes()));
  }
}

}  // namespace carat
