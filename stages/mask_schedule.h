// SPDX-License-Identifier: Apache-2.0
// When masks change during training, and what share of the target is pruned then.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "config/options.h"
#include "models/net/network.h"
#include "stages/optimizer.h"

namespace carat {

struct MaskScheduleOptions {
  // one_shot: before the first step. gradual: the cubic rise of Zhu, Gupta 2017, eq. 1. dynamic: the whole target, from
  // a dense shadow that gets the masked network's gradients, until it is frozen (the 2019 winners on CIFAR-100).
  // ac_dc: dense and sparse phases in turn, the last one sparse (Peste et al. 2021).
  std::string kind = "one_shot";
  int64_t every = 50;        // gradual, dynamic: steps between two updates
  double until = 0.5;        // gradual, dynamic: share of all steps after which masks are frozen
  int64_t until_steps = 0;   // the same in steps; 0: as `until` says
  double first_dense = 1.0;  // ac_dc: epochs before the first sparse phase
  double phase = 1.0;        // ac_dc: epochs of a phase
  double last_sparse = 0.3;  // ac_dc: share of all steps of the last sparse phase

  void describe(OptionTable& table);
};

// Masks of layers at a share of the target sparsity, from their dense weights: 1 = kept.
using Masks = std::map<std::string, at::Tensor>;
using MakeMasks = std::function<Masks(const Network& network, double share)>;

class MaskSchedule {
 public:
  MaskSchedule(MaskScheduleOptions options, MakeMasks rule);

  void begin(int64_t steps, int64_t steps_per_epoch);
  // Before this step: new masks where they are due; pruned weights and their moments are zero unless they may regrow.
  void before_step(int64_t step, Network& network, Optimizer& optimizer);
  // State of the network between steps that a checkpoint does not hold: before continuing at this step.
  void resume(int64_t step, Network& network) const;
  // First step after which the masks stay.
  int64_t frozen_from() const;

 private:
  struct Moment {
    bool is_update = false;
    bool regrows = false;
    double share = 1.0;  // of the target
  };
  Moment at(int64_t step) const;

  MaskScheduleOptions options_;
  MakeMasks rule_;
  int64_t steps_ = 0;
  int64_t steps_per_epoch_ = 1;
};

}  // namespace carat
