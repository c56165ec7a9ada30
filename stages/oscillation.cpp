// SPDX-License-Identifier: Apache-2.0
#include "stages/oscillation.h"

#include <torch/torch.h>

#include "base/fail.h"
#include "models/net/fake_quant.h"

namespace carat {

void OscillationOptions::describe(OptionTable& table) {
  table.number("damping", damping, {0, 1e9, "[0, 1e9]"},
               "weight of the squared distance of quantized weights from their grid, inside its range; 0: none");
  table.number(
      "freeze_threshold", freeze_threshold, {0, 1, "[0, 1]"},
      "quantized weights that flip back in a larger share of the steps are fixed at their average code; 0: none");
  table.number("freeze_momentum", freeze_momentum, {0, 1, "(0, 1]"},
               "how fast the moving averages of flips and codes follow");
}

Oscillation::Oscillation(const Network& network, const OscillationOptions& options)
    : options_(options), weights_(network.quantized_weights()) {
  std::vector<at::Tensor> lowest;
  std::vector<at::Tensor> highest;
  for (const auto& w : weights_) {
    const at::TensorOptions plain = w.weight.options().requires_grad(false);
    lowest.push_back(at::full({w.weight.numel()}, static_cast<double>(w.quant.lowest_code()), plain));
    highest.push_back(at::full({w.weight.numel()}, static_cast<double>(w.quant.highest_code()), plain));
  }
  lowest_ = at::cat(lowest);
  highest_ = at::cat(highest);
  if (options_.freeze_threshold <= 0.0) return;
  const torch::NoGradGuard no_grad;
  const at::Tensor codes = codes_of(places());
  state_ = {{"code", codes},
            {"direction", at::zeros_like(codes)},
            {"frequency", at::zeros_like(codes)},
            {"average", codes.clone()},
            {"frozen", at::zeros_like(codes)}};
}

at::Tensor Oscillation::places() const {
  std::vector<at::Tensor> rows;
  for (const auto& w : weights_) {
    at::Tensor place = w.weight.detach() / w.scale.detach();
    if (w.mask.defined()) place = place * w.mask;
    rows.push_back(place.flatten());
  }
  return at::cat(rows);
}

// Both roundings agree but on halves, which no trained weight keeps to.
at::Tensor Oscillation::codes_of(const at::Tensor& places) const {
  return at::minimum(at::maximum(at::round(places), lowest_), highest_);
}

void Oscillation::before_step() {
  if (options_.damping <= 0.0) return;
  const torch::NoGradGuard no_grad;
  const at::Tensor place = places();
  const at::Tensor inside = at::minimum(at::maximum(place, lowest_), highest_);
  const at::Tensor away = at::where(inside.eq(place), place - codes_of(place), 0.0) * (2.0 * options_.damping);
  int64_t at = 0;
  for (const auto& w : weights_) {
    const at::Tensor part = away.narrow(0, at, w.weight.numel()).view_as(w.weight) * w.scale.detach();
    at += w.weight.numel();
    at::Tensor gradient = w.weight.grad();
    if (gradient.defined()) gradient.add_(part);
  }
}

void Oscillation::after_step() {
  if (state_.empty()) return;
  const torch::NoGradGuard no_grad;
  const double m = options_.freeze_momentum;
  const at::Tensor codes = codes_of(places());
  const at::Tensor turn = at::sign(codes - state_["code"]);
  // A flip back: the code changes, the other way than it did the last time.
  const at::Tensor flips = (turn * state_["direction"]).eq(-1.0).to(at::kFloat);
  state_["frequency"].lerp_(flips, m);
  state_["average"].lerp_(codes, m);
  state_["direction"].copy_(at::where(turn.ne(0.0), turn, state_["direction"]));
  const at::Tensor freezes = state_["frequency"].gt(options_.freeze_threshold) & state_["frozen"].eq(0.0);
  // A frozen weight's average is its code.
  state_["average"].copy_(
      at::where(freezes | state_["frozen"].ne(0.0), at::round(state_["average"]), state_["average"]));
  state_["frozen"].add_(freezes.to(at::kFloat));
  const at::Tensor fixed = at::minimum(at::maximum(at::round(state_["average"]), lowest_), highest_);
  const at::Tensor is_fixed = state_["frozen"].ne(0.0);
  state_["average"].copy_(at::where(is_fixed, fixed, state_["average"]));
  state_["code"].copy_(at::where(is_fixed, fixed, codes));
  int64_t at = 0;
  for (const auto& w : weights_) {
    const int64_t n = w.weight.numel();
    const at::Tensor value = fixed.narrow(0, at, n).view_as(w.weight) * w.scale.detach();
    at::Tensor weight = w.weight.detach();
    weight.copy_(at::where(is_fixed.narrow(0, at, n).view_as(weight), value, weight));
    at += n;
  }
}

int64_t Oscillation::frozen() const { return state_.empty() ? 0 : state_.at("frozen").sum().item<int64_t>(); }

void Oscillation::load_state(const std::map<std::string, at::Tensor>& state) {
  const torch::NoGradGuard no_grad;
  for (auto& [name, tensor] : state_) {
    const auto found = state.find(name);
    require(found != state.end(), "checkpoint: no oscillation state {}", name);
    tensor.copy_(found->second.reshape(tensor.sizes()));
  }
}

}  // namespace carat
