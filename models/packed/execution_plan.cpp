// SPDX-License-Identifier: Apache-2.0
#include "models/packed/execution_plan.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "models/packed/code_flow.h"
#include "models/packed/place_values.h"
#include "models/packed/window_of.h"
#include "models/weights/integer_range.h"

namespace carat {
namespace {

// uint8 sums hold few inputs beyond this code: int16 lanes are then faster.
constexpr int64_t kLargestByteCode = 31;
constexpr int64_t kInt16 = 32767;

class Planner {
 public:
  Planner(ExecutionPlan& plan, const Model& model)
      : plan_(plan), model_(model), graph_(model.graph), flow_(model.graph) {}

  void run() {
    ranges_ = integer_ranges(model_);
    const size_t count = graph_.layers().size();
    plan_.values.resize(count);
    choose_lanes();
    for (size_t i = 1; i < count; ++i)
      if (!is_taken_.contains(i)) add_step(i);
    choose_forms();
    for (PlannedStep& step : plan_.steps)
      if (step.kind == PlannedStep::Kind::sums) plan_sums(step);
    place_values(plan_);
  }

 private:
  const LayerSpec& layer(size_t index) const { return graph_.layers()[index]; }

  // Every layer that multiplies this value's codes can sum them in such lanes.
  bool allows(size_t value, SumLane lane) const {
    const IntegerRange& codes = ranges_.at(layer(value).name);
    const int64_t largest = std::max(-codes.lowest, codes.highest);
    if (lane == SumLane::uint8 && (codes.lowest < 0 || largest > kLargestByteCode)) return false;
    if (largest > kInt16) return false;
    return std::all_of(flow_.readers[value].begin(), flow_.readers[value].end(), [&](size_t reader) {
      if (!flow_.on_codes[reader]) return true;
      const Buffer& weights = model_.buffer(layer(reader).name + ".weight");
      int64_t code = 0;
      for (const float w : weights.values) code = std::max(code, static_cast<int64_t>(std::fabs(w)));
      const IntegerRange sums = sum_range(weights, united(codes, {0, 0}));
      return SumProgram::allows(lane, largest, code, std::max(-sums.lowest, sums.highest));
    });
  }

  void choose_lanes() {
    for (size_t i = 0; i < flow_.readers.size(); ++i) {
      if (!flow_.is_codes[i] || !ranges_.contains(layer(i).name)) continue;
      if (allows(i, SumLane::uint8))
        lanes_[i] = SumLane::uint8;
      else if (allows(i, SumLane::int16))
        lanes_[i] = SumLane::int16;
    }
  }

  void add_step(size_t index) {
    PlannedStep step{.layer = index, .result = index, .inputs = flow_.inputs[index], .ops = RowOps(model_)};
    const size_t input = step.inputs.front();
    if (has_weights(layer(index))) {
      step.on_codes = flow_.on_codes[index];
      step.kind = !step.on_codes || lanes_.contains(input) ? PlannedStep::Kind::sums : PlannedStep::Kind::plain;
    } else if (RowOps::takes(layer(index).op)) {
      step.kind = PlannedStep::Kind::rows;
      step.ops.add(layer(index));
    } else if (layer(index).op == OpKind::multiply && has_channel_factors(index)) {
      step.kind = PlannedStep::Kind::rows;
      step.has_factors = true;
      step.ops.add_factors();
    }
    if (step.kind == PlannedStep::Kind::plain) {
      if (step.on_codes)
        step.kernels =
            sparse_kernels(model_.buffer(layer(index).name + ".weight").values.data(), window_of(graph_, layer(index)));
    } else {
      if (layer(index).has_bias && has_weights(layer(index)))
        step.ops.add_bias(model_.buffer(layer(index).name + ".bias").values.data());
      extend(step);
    }
    plan_.steps.push_back(std::move(step));
  }

  // The second input of a product is 1x1: a factor for every channel.
  bool has_channel_factors(size_t index) const {
    const Shape& second = graph_.shape_of(layer(index).inputs[1]);
    return second.height == 1 && second.width == 1;
  }

  // Takes the element-wise layers that alone read the result.
  void extend(PlannedStep& step) {
    while (flow_.readers[step.result].size() == 1) {
      const size_t next = flow_.readers[step.result].front();
      if (!RowOps::takes(layer(next).op)) return;
      step.ops.add(layer(next));
      step.result = next;
      is_taken_.insert(next);
    }
  }

  // Floats for the last result and for every reader but sums on codes; codes, with the widest border, for those.
  void choose_forms() {
    PlannedValue& image = plan_.values.front();
    image.is_materialized = image.has_floats = true;
    for (PlannedStep& step : plan_.steps) {
      PlannedValue& result = plan_.values[step.result];
      result.is_materialized = true;
      if (step.kind == PlannedStep::Kind::plain) result.has_floats = true;  // specifications write floats
      for (const size_t input : step.inputs) {
        PlannedValue& value = plan_.values[input];
        const bool reads_codes = step.kind == PlannedStep::Kind::sums && step.on_codes;
        (reads_codes ? value.has_codes : value.has_floats) = true;
        if (!reads_codes || layer(step.layer).op == OpKind::linear) continue;
        const LayerSpec& conv = layer(step.layer);
        if (conv.stride > 1) continue;  // copied with its border
        value.planes.before = std::max(value.planes.before, conv.padding);
        value.planes.after = std::max(value.planes.after, conv.padding + conv.extra_padding);
      }
    }
    for (size_t i = 0; i < plan_.values.size(); ++i) {
      plan_.values[i].planes.shape = graph_.output_shape(static_cast<int64_t>(i));
      if (lanes_.contains(i)) plan_.values[i].lane = lanes_.at(i);
    }
    plan_.values.back().has_floats = true;
  }

  void plan_sums(PlannedStep& step) {
    const LayerSpec& spec = layer(step.layer);
    const PlannedValue& source = plan_.values[step.inputs.front()];
    Window window = window_of(graph_, spec);
    Planes planes = source.planes;
    if (!step.on_codes) planes.before = planes.after = 0;
    const bool is_linear = spec.op == OpKind::linear;
    if (is_linear)
      step.taps = {.row = 1, .count = 1};
    else
      step.taps = plan_taps(window, planes, !step.on_codes);
    const auto offset = [&](int64_t channel, int64_t r, int64_t s) {
      if (!is_linear) return step.taps.offset(channel, r, s);
      if (!step.on_codes) return channel;
      const int64_t pixels = planes.shape.height * planes.shape.width;
      const int64_t pixel = channel % pixels;
      return channel / pixels * planes.plane() + planes.at(pixel / planes.shape.width, pixel % planes.shape.width);
    };
    add_taps(step, window, offset);
  }

  template <typename Offset>
  void add_taps(PlannedStep& step, const Window& w, const Offset& offset) {
    const std::vector<float>& weights = model_.buffer(layer(step.layer).name + ".weight").values;
    const size_t input = step.inputs.front();
    if (step.on_codes) {
      const IntegerRange& codes = ranges_.at(layer(input).name);
      step.program = std::make_unique<SumProgram>(lanes_.at(input), std::max(-codes.lowest, codes.highest));
    }
    const int64_t depth = w.channels / w.groups;
    const float* weight = weights.data();
    for (int64_t k = 0; k < w.out_channels; ++k) {
      const int64_t first = k / (w.out_channels / w.groups) * depth;
      std::vector<CodeTap> codes;
      std::vector<FloatTap> floats;
      for (int64_t c = 0; c < depth; ++c)
        for (int64_t r = 0; r < w.kernel; ++r)
          for (int64_t s = 0; s < w.kernel; ++s, ++weight) {
            if (*weight == 0.0F) continue;
            const auto at = static_cast<int32_t>(offset(first + c, r, s));
            if (step.on_codes)
              codes.push_back({at, static_cast<int32_t>(*weight)});
            else
              floats.push_back({at, *weight});
          }
      if (step.on_codes)
        step.program->add_kernel(std::move(codes));
      else
        step.float_taps.push_back(std::move(floats));
    }
  }

  ExecutionPlan& plan_;
  const Model& model_;
  const ModelGraph& graph_;
  CodeFlow flow_;
  std::map<std::string, IntegerRange> ranges_;
  std::map<size_t, SumLane> lanes_;
  std::set<size_t> is_taken_;
};

}  // namespace

ExecutionPlan::ExecutionPlan(const PackedModel& packed) : model(unpack(packed)) { Planner(*this, model).run(); }

}  // namespace carat
