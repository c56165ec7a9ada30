// SPDX-License-Identifier: Apache-2.0
#include "stages/mask_schedule.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

namespace carat {

void MaskScheduleOptions::describe(OptionTable& table) {
  table.choice("kind", kind, {"one_shot", "gradual", "dynamic", "ac_dc"}, "when weights are pruned");
  table.integer("every", every, {1, 1000000}, "gradual, dynamic: steps between two updates of the masks");
  table.number("until", until, {0, 1, "(0, 1]"}, "gradual, dynamic: share of all steps after which masks are frozen");
  table.integer("until_steps", until_steps, {0, 100000000}, "the same in steps; 0: as until says");
  table.number("first_dense", first_dense, {0, 100000, "[0, 100000]"}, "ac_dc: epochs before the first sparse phase");
  table.number("phase", phase, {0, 100000, "(0, 100000]"}, "ac_dc: epochs of a phase");
  table.number("last_sparse", last_sparse, {0, 1, "(0, 1]"}, "ac_dc: share of all steps in the last, sparse phase");
}

MaskSchedule::MaskSchedule(MaskScheduleOptions options, MakeMasks rule)
    : options_(std::move(options)), rule_(std::move(rule)) {}

void MaskSchedule::begin(int64_t steps, int64_t steps_per_epoch) {
  steps_ = steps;
  steps_per_epoch_ = steps_per_epoch;
}

int64_t MaskSchedule::frozen_from() const {
  if (options_.kind == "one_shot") return 0;
  const auto steps = static_cast<double>(steps_);
  if (options_.kind == "ac_dc") return std::llround(steps * (1.0 - options_.last_sparse));
  const int64_t end = options_.until_steps > 0 ? options_.until_steps : std::llround(steps * options_.until);
  return std::min(end, steps_ - 1);
}

MaskSchedule::Moment MaskSchedule::at(int64_t step) const {
  const int64_t frozen = frozen_from();
  if (options_.kind == "one_shot") return {};
  if (step >= frozen) return {.is_update = step == frozen};
  if (options_.kind == "ac_dc") {
    const auto first = static_cast<int64_t>(std::llround(options_.first_dense * static_cast<double>(steps_per_epoch_)));
    const int64_t length = std::max<int64_t>(1, std::llround(options_.phase * static_cast<double>(steps_per_epoch_)));
    if (step < first) return {.is_update = step == 0, .share = 0.0};
    const bool is_sparse = (step - first) / length % 2 == 0;
    return {.is_update = (step - first) % length == 0, .share = is_sparse ? 1.0 : 0.0};
  }
  const bool is_update = step % options_.every == 0;
  if (options_.kind == "dynamic") return {.is_update = is_update, .regrows = true};
  const double t = static_cast<double>(step) / static_cast<double>(std::max<int64_t>(1, frozen));
  return {.is_update = is_update, .share = 1.0 - std::pow(1.0 - t, 3.0)};
}

void MaskSchedule::before_step(int64_t step, Network& network, Optimizer& optimizer) {
  const Moment moment = at(step);
  network.set_regrowth(moment.regrows);
  if (!moment.is_update) return;
  const torch::NoGradGuard no_grad;
  for (const auto& [layer, kept] : rule_(network, moment.share)) {
    network.set_mask(layer, kept);
    if (!moment.regrows) optimizer.apply_mask(layer + ".weight", network.mask(layer));
  }
  if (!moment.regrows) network.settle_masks();
}

void MaskSchedule::resume(int64_t step, Network& network) const {
  network.set_regrowth(step > 0 && at(step - 1).regrows);
}

}  // namespace carat
