// SPDX-License-Identifier: Apache-2.0
#include "models/packed/step_runner.h"

#include <algorithm>
#include <cstring>

#include "models/packed/input_rule.h"
#include "models/packed/plain_layer.h"

namespace carat {
namespace {

// Positions whose sums stay in the first-level cache between a convolution and what follows.
constexpr int64_t kTile = 1024;
constexpr int64_t kWidestVector = 16;  // floats

int64_t longest_row(const ExecutionPlan& plan) {
  int64_t longest = kTile;
  for (const PlannedValue& value : plan.values)
    longest = std::max(longest, value.planes.shape.height * value.planes.shape.width);
  return longest + kWidestVector;
}

}  // namespace

StepRunner::StepRunner(const ExecutionPlan& plan)
    : plan_(plan),
      workspace_(static_cast<size_t>(plan.workspace_bytes) + Planes::kAlignment, 0),
      base_(workspace_.data() +
            (Planes::kAlignment - reinterpret_cast<uintptr_t>(workspace_.data()) % Planes::kAlignment)),
      row_(static_cast<size_t>(longest_row(plan))),
      finished_(row_.size()),
      sums_(static_cast<size_t>(kTile + kSumSlack)) {}

const float* StepRunner::floats(size_t layer) const {
  return reinterpret_cast<const float*>(base_ + plan_.values[layer].floats_at);
}

void StepRunner::load(const uint8_t* image) {
  const PlannedValue& value = plan_.values.front();
  float* floats = at<float>(value.floats_at);
  input_values(plan_.model.graph, image, floats);
  if (!value.has_codes) return;
  clear_border(value);
  const Shape& shape = value.planes.shape;
  for (int64_t c = 0; c < shape.channels; ++c)
    for (int64_t y = 0; y < shape.height; ++y) {
      const float* from = floats + (c * shape.height + y) * shape.width;
      const int64_t to = c * value.planes.plane() + value.planes.at(y, 0);
      if (value.lane == SumLane::uint8)
        finish_row(from, shape.width, RowFinish{}, at<uint8_t>(value.codes_at) + to);
      else
        finish_row(from, shape.width, RowFinish{}, at<int16_t>(value.codes_at) + to);
    }
}

void StepRunner::clear_border(const PlannedValue& value) {
  if (value.planes.before + value.planes.after == 0) return;
  const size_t size = value.lane == SumLane::uint8 ? sizeof(uint8_t) : sizeof(int16_t);
  std::memset(at<unsigned char>(value.codes_at), 0, static_cast<size_t>(value.planes.elements()) * size);
}

void StepRunner::run(const PlannedStep& step) {
  const PlannedValue& result = plan_.values[step.result];
  if (result.has_codes) clear_border(result);
  switch (step.kind) {
    case PlannedStep::Kind::sums:
      return run_sums(step);
    case PlannedStep::Kind::rows:
      return run_rows(step);
    case PlannedStep::Kind::plain:
      return run_plain(step);
  }
}

void StepRunner::run_sums(const PlannedStep& step) {
  if (!step.on_codes) return run_float_sums(step);
  if (step.program->lane() == SumLane::uint8)
    run_code_sums<uint8_t, int16_t>(step);
  else if (step.program->spills())
    run_code_sums<int16_t, int32_t>(step);
  else
    run_code_sums<int16_t, int16_t>(step);
}

template <typename T, typename Sum>
void StepRunner::run_code_sums(const PlannedStep& step) {
  const PlannedValue& source = plan_.values[step.inputs.front()];
  const T* x = at<T>(source.codes_at);
  if (step.taps.needs_phases) {
    copy_phases(x, source.planes, step.taps.phases, at<T>(step.copy_at));
    x = at<T>(step.copy_at);
  }
  Sum* sums = reinterpret_cast<Sum*>(sums_.data());
  for (int64_t begin = 0; begin < step.taps.count; begin += kTile) {
    const int64_t end = std::min(begin + kTile, step.taps.count);
    for (int64_t k = 0; k < step.program->kernels(); ++k) {
      sum_codes(*step.program, k, x + step.taps.base + begin, end - begin, sums);
      store(step, {k, begin, end, step.taps.row}, sums);
    }
  }
}

void StepRunner::run_float_sums(const PlannedStep& step) {
  const size_t input = step.inputs.front();
  const float* x = floats(input);
  if (step.taps.needs_phases) {
    const Planes planes{.shape = plan_.values[input].planes.shape};
    // Floats lie without a border and without alignment: plane by plane.
    const int64_t pixels = planes.shape.height * planes.shape.width;
    const Planes one{.shape = {1, planes.shape.height, planes.shape.width}};
    for (int64_t c = 0; c < planes.shape.channels; ++c)
      copy_phases(x + c * pixels, one, step.taps.phases, at<float>(step.copy_at) + c * step.taps.phases.elements(1));
    x = at<float>(step.copy_at);
  }
  auto* sums = reinterpret_cast<float*>(sums_.data());
  for (int64_t begin = 0; begin < step.taps.count; begin += kTile) {
    const int64_t end = std::min(begin + kTile, step.taps.count);
    for (size_t k = 0; k < step.float_taps.size(); ++k) {
      sum_floats(step.float_taps[k], x + begin, end - begin, sums);
      store(step, {static_cast<int64_t>(k), begin, end, step.taps.row}, sums);
    }
  }
}

template <typename X, typename Y>
void StepRunner::put(const PlannedStep& step, const Stretch& at, const X* x, const Target<Y>& target) {
  const Planes& planes = target.planes;
  const int64_t n = at.end - at.begin;
  const RowOps::Place place = {at.channel, row_.data(), step.has_factors ? floats(step.inputs[1]) : nullptr};
  if (planes.row() == at.row && planes.shape.width == at.row) return step.ops.run(x, n, place, target.plane + at.begin);
  Y* finished = reinterpret_cast<Y*>(finished_.data());
  // Whole vectors: x is followed by slack or by the next channel, scratch has room.
  const int64_t whole = (n + kWidestVector - 1) / kWidestVector * kWidestVector;
  step.ops.run(x, whole, place, finished);
  for (int64_t y = at.begin / at.row; y < planes.shape.height && y * at.row < at.end; ++y) {
    const int64_t first = std::max(at.begin, y * at.row);
    const int64_t last = std::min(at.end, y * at.row + planes.shape.width);
    if (first < last)
      std::copy(finished + (first - at.begin), finished + (last - at.begin),
                target.plane + planes.at(y, first - y * at.row));
  }
}

template <typename X>
void StepRunner::put_codes(const PlannedStep& step, const Stretch& at, const X* x) {
  const PlannedValue& result = plan_.values[step.result];
  const int64_t plane = at.channel * result.planes.plane();
  if (result.lane == SumLane::uint8)
    put(step, at, x, Target<uint8_t>{this->at<uint8_t>(result.codes_at) + plane, result.planes});
  else
    put(step, at, x, Target<int16_t>{this->at<int16_t>(result.codes_at) + plane, result.planes});
}

template <typename X>
void StepRunner::store(const PlannedStep& step, const Stretch& at, const X* x) {
  const PlannedValue& result = plan_.values[step.result];
  const Planes plain{.shape = result.planes.shape};
  if (result.has_floats)
    put(step, at, x,
        Target<float>{this->at<float>(result.floats_at) + at.channel * plain.shape.height * plain.shape.width, plain});
  if (result.has_codes) put_codes(step, at, x);
}

void StepRunner::run_rows(const PlannedStep& step) {
  const Shape& shape = plan_.values[step.inputs.front()].planes.shape;
  const int64_t pixels = shape.height * shape.width;
  const float* x = floats(step.inputs.front());
  for (int64_t c = 0; c < shape.channels; ++c) store(step, {c, 0, pixels, shape.width}, x + c * pixels);
}

void StepRunner::run_plain(const PlannedStep& step) {
  const PlannedValue& result = plan_.values[step.result];
  const ModelGraph& graph = plan_.model.graph;
  std::vector<const float*> inputs;
  for (const size_t input : step.inputs) inputs.push_back(floats(input));
  float* y = at<float>(result.floats_at);
  if (graph.layers()[step.layer].op == OpKind::concat) {
    float* to = y;
    for (size_t i = 0; i < inputs.size(); ++i) {
      const int64_t n = plan_.values[step.inputs[i]].planes.shape.elements();
      if (!step.input_is_placed[i]) std::copy_n(inputs[i], n, to);
      to += n;
    }
  } else if (has_weights(graph.layers()[step.layer])) {
    run_weight_layer(plan_.model, step.layer, step.kernels ? &*step.kernels : nullptr, inputs[0], y);
  } else {
    run_plain_layer(plan_.model, step.layer, inputs, y);
  }
  if (!result.has_codes) return;
  const Shape& shape = result.planes.shape;
  const int64_t pixels = shape.height * shape.width;
  for (int64_t c = 0; c < shape.channels; ++c) put_codes(step, {c, 0, pixels, shape.width}, y + c * pixels);
}

std::vector<float> StepRunner::values(size_t layer) const {
  const PlannedValue& value = plan_.values[layer];
  const Shape& shape = value.planes.shape;
  std::vector<float> result(static_cast<size_t>(shape.elements()));
  if (value.has_floats) {
    std::copy_n(floats(layer), result.size(), result.begin());
    return result;
  }
  size_t i = 0;
  for (int64_t c = 0; c < shape.channels; ++c)
    for (int64_t y = 0; y < shape.height; ++y)
      for (int64_t x = 0; x < shape.width; ++x) {
        const int64_t pixel = c * value.planes.plane() + value.planes.at(y, x);
        const unsigned char* codes = base_ + value.codes_at;
        result[i++] = value.lane == SumLane::uint8 ? static_cast<float>(codes[pixel])
                                                   : static_cast<float>(reinterpret_cast<const int16_t*>(codes)[pixel]);
      }
  return result;
}

}  // namespace carat
