// SPDX-License-Identifier: Apache-2.0
#include "models/packed/place_values.h"

#include <algorithm>

#include "models/packed/arena.h"

namespace carat {
namespace {

class Placer {
 public:
  explicit Placer(ExecutionPlan& plan) : plan_(plan), home_(plan.values.size()), shift_(plan.values.size(), 0) {
    for (size_t i = 0; i < home_.size(); ++i) home_[i] = i;
  }

  void run() {
    for (PlannedStep& step : plan_.steps)
      if (plan_.model.graph.layers()[step.layer].op == OpKind::concat) place_inputs(step);
    find_lives();
    add_blocks();
    plan_.workspace_bytes = place_blocks(blocks_);
    for (size_t i = 0; i < plan_.values.size(); ++i) {
      PlannedValue& value = plan_.values[i];
      const auto [home, shift] = settled(i);
      if (value.has_floats) value.floats_at = blocks_[floats_[home]].offset + shift;
      if (value.has_codes) value.codes_at = blocks_[codes_[i]].offset;
    }
    for (size_t i = 0; i < plan_.steps.size(); ++i)
      if (plan_.steps[i].taps.needs_phases) plan_.steps[i].copy_at = blocks_[copies_[i]].offset;
  }

 private:
  // The value whose place holds this one, and the bytes from its start.
  std::pair<size_t, int64_t> settled(size_t value) const {
    int64_t shift = 0;
    while (home_[value] != value) {
      shift += shift_[value];
      value = home_[value];
    }
    return {value, shift};
  }

  int64_t float_bytes(size_t value) const {
    return plan_.values[value].planes.shape.elements() * static_cast<int64_t>(sizeof(float));
  }

  void place_inputs(PlannedStep& step) {
    int64_t shift = 0;
    for (const size_t input : step.inputs) {
      // The image is written before the first step and may be read by any.
      const bool can_move = input != 0 && home_[input] == input && settled(step.result).first != input;
      step.input_is_placed.push_back(can_move);
      if (can_move) {
        home_[input] = step.result;
        shift_[input] = shift;
        plan_.values[step.result].has_floats = true;
      }
      shift += float_bytes(input);
    }
  }

  void find_lives() {
    const auto count = static_cast<int64_t>(plan_.steps.size());
    first_.assign(plan_.values.size(), -1);
    last_.assign(plan_.values.size(), -1);
    for (int64_t i = 0; i < count; ++i) {
      const PlannedStep& step = plan_.steps[static_cast<size_t>(i)];
      first_[step.result] = last_[step.result] = i;
      for (const size_t input : step.inputs) last_[input] = i;
    }
    last_.back() = count;
  }

  size_t add_block(int64_t bytes, int64_t first, int64_t last) {
    blocks_.push_back({.bytes = bytes, .first = first, .last = last});
    return blocks_.size() - 1;
  }

  void add_blocks() {
    const size_t count = plan_.values.size();
    floats_.resize(count);
    codes_.resize(count);
    copies_.resize(plan_.steps.size());
    std::vector<int64_t> first = first_;
    std::vector<int64_t> last = last_;
    for (size_t i = 0; i < count; ++i) {
      const size_t home = settled(i).first;
      if (!plan_.values[i].is_materialized) continue;
      first[home] = std::min(first[home], first_[i]);
      last[home] = std::max(last[home], last_[i]);
    }
    for (size_t i = 0; i < count; ++i) {
      const PlannedValue& value = plan_.values[i];
      if (value.has_floats && home_[i] == i)
        floats_[i] = add_block(float_bytes(i) + slack(sizeof(float)), first[i], last[i]);
      if (value.has_codes) codes_[i] = add_block(code_bytes(value.lane, value.planes.elements()), first_[i], last_[i]);
    }
    for (size_t i = 0; i < plan_.steps.size(); ++i) {
      const PlannedStep& step = plan_.steps[i];
      if (!step.taps.needs_phases) continue;
      const PlannedValue& source = plan_.values[step.inputs.front()];
      const int64_t elements = step.taps.phases.elements(source.planes.shape.channels);
      const int64_t bytes = step.on_codes ? code_bytes(source.lane, elements)
                                          : elements * static_cast<int64_t>(sizeof(float)) + slack(sizeof(float));
      copies_[i] = add_block(bytes, static_cast<int64_t>(i), static_cast<int64_t>(i));
    }
  }

  static int64_t slack(size_t size) { return kSumSlack * static_cast<int64_t>(size); }
  static int64_t code_bytes(SumLane lane, int64_t elements) {
    const size_t size = lane == SumLane::uint8 ? sizeof(uint8_t) : sizeof(int16_t);
    return elements * static_cast<int64_t>(size) + slack(size);
  }

  ExecutionPlan& plan_;
  std::vector<size_t> home_;
  std::vector<int64_t> shift_;
  std::vector<int64_t> first_, last_;
  std::vector<ArenaBlock> blocks_;
  std::vector<size_t> floats_, codes_, copies_;
};

}  // namespace

void place_values(ExecutionPlan& plan) { Placer(plan).run(); }

}  // namespace carat
