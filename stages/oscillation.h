// SPDX-License-Identifier: Apache-2.0
// Quantized weights that flip between two codes: damped, or frozen where they settle. Source: Nagel et al. 2022
// (arXiv:2203.11086), eqs. 4 and 7 and algorithm 1.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/options.h"
#include "models/net/network.h"

namespace carat {

struct OscillationOptions {
  double damping = 0.0;           // 0: off
  double freeze_threshold = 0.0;  // flips per step, 0: off
  double freeze_momentum = 0.01;  // of the moving averages

  void describe(OptionTable& table);
  bool needs_weights() const { return damping > 0.0 || freeze_threshold > 0.0; }
};

// All quantized weights of a network as one row. Launches the same operations every step and reads nothing back.
class Oscillation {
 public:
  Oscillation(const Network& network, const OscillationOptions& options);

  // Between backward and the optimizer's step: adds the gradient of damping * sum of (clip(w) - scale * code)^2.
  void before_step();
  // Behind it: follows the codes. A weight whose share of steps with a flip back, as a moving average, passes the
  // threshold is set to scale * its average code, rounded, from then on.
  void after_step();

  // Frozen weights.
  int64_t frozen() const;
  // For checkpoints; empty unless weights may freeze.
  const std::map<std::string, at::Tensor>& state() const { return state_; }
  void load_state(const std::map<std::string, at::Tensor>& state);

 private:
  // Every weight divided by its scale.
  at::Tensor places() const;
  at::Tensor codes_of(const at::Tensor& places) const;

  OscillationOptions options_;
  std::vector<Network::QuantizedWeight> weights_;
  at::Tensor lowest_, highest_;              // by weight
  std::map<std::string, at::Tensor> state_;  // code, direction, frequency, average, frozen
};

}  // namespace carat
