// SPDX-License-Identifier: Apache-2.0
#include "models/packed/cuda_plan.h"

#include <map>
#include <set>

#include "base/fail.h"
#include "models/packed/code_flow.h"
#include "models/packed/cuda_layers.h"
#include "models/packed/row_ops.h"
#include "models/packed/window_of.h"
#include "models/weights/integer_range.h"

namespace carat {
namespace {

class Planner {
 public:
  explicit Planner(CudaPlan& plan)
      : plan_(plan),
        graph_(plan.model.graph),
        layers_(plan.model.graph, plan.numbers),
        flow_(graph_),
        ranges_(integer_ranges(plan.model)),
        count_(graph_.layers().size()) {}

  void run() {
    choose_forms();
    add_numbers();
    plan_.blocks.push_back({.bytes = graph_.input().input_shape.elements()});
    for (size_t i = 0; i < count_; ++i)
      if (!is_taken_.contains(i)) add_step(i);
    plan_.blocks[plan_.values.back().block].last = static_cast<int64_t>(plan_.steps.size());
  }

 private:
  const LayerSpec& layer(size_t index) const { return graph_.layers()[index]; }

  void choose_forms() {
    plan_.values.resize(count_);
    for (size_t i = 0; i < count_; ++i) {
      plan_.values[i].shape = graph_.output_shape(static_cast<int64_t>(i));
      plan_.values[i].form = form_of(i);
    }
  }

  ValueForm form_of(size_t index) const {
    if (has_weights(layer(index)))
      return flow_.on_codes[index] && !layer(index).has_bias ? ValueForm::int32 : ValueForm::float32;
    const auto found = ranges_.find(layer(index).name);
    if (found == ranges_.end()) return ValueForm::float32;
    const IntegerRange& range = found->second;
    if (range.lowest >= 0 && range.highest <= 255) return ValueForm::uint8;
    return range.lowest >= -128 && range.highest <= 127 ? ValueForm::int8 : ValueForm::float32;
  }

  void add_numbers() {
    weight_bits_.resize(count_);
    for (size_t i = 0; i < count_; ++i) {
      if (!has_weights(layer(i))) continue;
      if (flow_.on_codes[i])
        weight_bits_[i] = plan_.numbers.add_codes(layer(i));
      else
        plan_.numbers.add_float_weights(layer(i));
    }
    plan_.numbers.upload();
  }

  int64_t now() const { return static_cast<int64_t>(plan_.steps.size()); }

  BlockNumber add_block(int64_t bytes) {
    plan_.blocks.push_back({.bytes = bytes, .first = now(), .last = now()});
    return plan_.blocks.size() - 1;
  }

  BlockNumber read_block(size_t value) {
    const BlockNumber block = plan_.values[value].block;
    plan_.blocks[block].last = now();
    return block;
  }

  BlockNumber write_value(size_t index) {
    CudaValue& value = plan_.values[index];
    value.block = add_block(value.shape.elements() * bytes_of(value.form));
    return value.block;
  }

  void add_step(size_t index) {
    CudaStep step{.layer = index, .result = index, .convolution = std::nullopt, .launches = {}};
    if (flow_.on_codes[index])
      add_convolution(step);
    else if (layer(index).op == OpKind::concat)
      add_concatenation(step);
    else
      add_operation(step);
    plan_.steps.push_back(std::move(step));
  }

  // The layer that alone reads this one, if it is element-wise.
  std::optional<size_t> next_element(size_t index) const {
    if (flow_.readers[index].size() != 1) return std::nullopt;
    const size_t next = flow_.readers[index].front();
    if (!RowOps::takes(layer(next).op)) return std::nullopt;
    return next;
  }

  // The element-wise layers that alone read the result, behind those that are there.
  void extend(CudaStep& step, LayerFinish& finish) {
    for (auto next = next_element(step.result); next && finish.count < kMostElementOps;
         next = next_element(step.result)) {
      finish.ops[finish.count++] = layers_.element_of(layer(*next));
      is_taken_.insert(*next);
      step.result = *next;
    }
  }

  void place_result(const CudaStep& step, LayerFinish& finish) {
    finish.form = plan_.values[step.result].form;
    finish.channels = plan_.values[step.result].shape.channels;
  }

  void add_operation(CudaStep& step) {
    const LayerSpec& spec = layer(step.layer);
    CudaLaunch launch;
    launch.op = layers_.operation_of(step.layer);
    for (const size_t input : flow_.inputs[step.layer]) {
      launch.op.inputs.push_back({nullptr, plan_.values[input].form});
      launch.inputs.push_back(read_block(input));
    }
    if (spec.op == OpKind::input) {
      launch.op.inputs.push_back({nullptr, ValueForm::uint8});
      launch.inputs.push_back(0);
    }
    if (RowOps::takes(spec.op)) launch.finish.ops[launch.finish.count++] = layers_.element_of(spec);
    if (has_weights(spec) && spec.has_bias) launch.finish.ops[launch.finish.count++] = layers_.bias_of(spec);
    if (spec.op != OpKind::input) extend(step, launch.finish);
    place_result(step, launch.finish);
    launch.result = write_value(step.result);
    step.launches.push_back(std::move(launch));
  }

  // Every input goes to its channels, through the same element-wise layers.
  void add_concatenation(CudaStep& step) {
    LayerFinish finish;
    extend(step, finish);
    place_result(step, finish);
    std::vector<BlockNumber> read;
    for (const size_t input : flow_.inputs[step.layer]) read.push_back(read_block(input));
    const BlockNumber result = write_value(step.result);
    for (const size_t input : flow_.inputs[step.layer]) {
      const CudaValue& value = plan_.values[input];
      CudaLaunch launch;
      launch.op.window = {.channels = value.shape.channels, .height = value.shape.height, .width = value.shape.width};
      launch.op.inputs = {{nullptr, value.form}};
      launch.finish = finish;
      launch.inputs = {value.block};
      launch.result = result;
      step.launches.push_back(std::move(launch));
      finish.first_channel += value.shape.channels;
    }
  }

  void add_convolution(CudaStep& step) {
    const LayerSpec& spec = layer(step.layer);
    const size_t input = flow_.inputs[step.layer].front();
    const CudaValue& value = plan_.values[input];
    if (bytes_of(value.form) != 1) {
      const IntegerRange& codes = ranges_.at(layer(input).name);
      fail("layer {}: expected codes of up to 8 bits for the CUDA kernels, got {} .. {}; use --device cpu", spec.name,
           codes.lowest, codes.highest);
    }
    CudaConvolution c;
    c.convolution.window = window_of(graph_, spec);
    c.convolution.unsigned_input = value.form == ValueForm::uint8;
    c.convolution.weight_bits = weight_bits_[step.layer];
    try {
      check_convolution(c.convolution);
    } catch (const Error& error) {
      fail("layer {}: {}; use --device cpu", spec.name, error.what());
    }
    c.operands.weights = plan_.numbers.bytes(spec.name + ".weight");
    c.input = read_block(input);
    c.workspace = add_block(0);
    if (spec.has_bias) {
      add_biased(step, c);
    } else {
      fuse_codes(step, c);
      c.result = write_value(step.result);
    }
    step.convolution = c;
  }

  // A Scale layer of float32 numbers and a quantizer alone follow: codes of a byte are written instead of sums.
  void fuse_codes(CudaStep& step, CudaConvolution& c) {
    const auto scale = next_element(step.layer);
    if (!scale || layer(*scale).op != OpKind::scale) return;
    const LayerSpec& spec = layer(*scale);
    const auto codes = next_element(*scale);
    if (spec.integer || spec.arithmetic == Arithmetic::fp16_strict || !codes) return;
    if (layer(*codes).op != OpKind::activation_quant || bytes_of(plan_.values[*codes].form) != 1) return;
    const ElementOp op = layers_.element_of(layer(*codes));
    c.epilogue = ScaleEpilogue{
        plan_.numbers.floats(spec.name + ".pairs"),
        {op.range.lowest, op.range.highest, op.range.half_away ? CodeRounding::half_away : CodeRounding::half_even, 0}};
    is_taken_.insert({*scale, *codes});
    step.result = *codes;
  }

  // Sums are kept aside, the value is what follows them.
  void add_biased(CudaStep& step, CudaConvolution& c) {
    const Shape& shape = plan_.values[step.layer].shape;
    c.result = add_block(shape.elements() * bytes_of(ValueForm::int32));
    CudaLaunch launch;
    launch.op.window = {.channels = shape.channels, .height = shape.height, .width = shape.width};
    launch.op.inputs = {{nullptr, ValueForm::int32}};
    launch.inputs = {c.result};
    launch.finish.ops[launch.finish.count++] = layers_.bias_of(layer(step.layer));
    extend(step, launch.finish);
    place_result(step, launch.finish);
    launch.result = write_value(step.result);
    step.launches.push_back(std::move(launch));
  }

  CudaPlan& plan_;
  const ModelGraph& graph_;
  CudaLayers layers_;
  CodeFlow flow_;
  std::map<std::string, IntegerRange> ranges_;
  size_t count_;
  std::vector<int64_t> weight_bits_;
  std::set<size_t> is_taken_;
};

}  // namespace

CudaPlan::CudaPlan(const PackedModel& packed) : model(unpack(packed)), numbers(model) {
  Planner(*this).run();
  allocate_workspace(*this);
}

}  // namespace carat
