// SPDX-License-Identifier: Apache-2.0
// A layer becomes nodes: one function per operation, found by a row of the table in layer_writer.cpp.
#pragma once

#include <string>
#include <vector>

#include "models/onnx/export.h"
#include "models/onnx/graph_writer.h"
#include "models/onnx/value_facts.h"

namespace carat {

// What a writer needs to know of its layer. The result must be a value {N, C, H, W} of the layer's name.
struct OnnxLayer {
  const Model& model;
  const LayerSpec& spec;
  OnnxNumbers numbers;
  ValueFacts input;  // of the first input
  ValueFacts facts;  // of the result
  std::string image;
  GraphWriter& graph;

  const std::string& name() const { return spec.name; }
  const std::string& x() const { return spec.inputs.front(); }
  std::string part(const std::string& what) const { return spec.name + "/" + what; }
  const Shape& in() const { return model.graph.input_shape(spec); }
  const Shape& out() const { return model.graph.shape_of(spec.name); }
  bool is_last() const { return model.graph.output().name == spec.name; }
  // Its float32 operations must be the specified ones, in the specified order.
  bool must_be_exact() const { return numbers == OnnxNumbers::codes && facts.decides_codes; }
};

using LayerWriter = void (*)(const OnnxLayer&);
LayerWriter layer_writer(OpKind op);

void write_input(const OnnxLayer& layer);
void write_conv(const OnnxLayer& layer);
void write_linear(const OnnxLayer& layer);
void write_batch_norm(const OnnxLayer& layer);
void write_add(const OnnxLayer& layer);
void write_multiply(const OnnxLayer& layer);
void write_concat(const OnnxLayer& layer);
void write_max_pool(const OnnxLayer& layer);
void write_avg_pool(const OnnxLayer& layer);
void write_global_avg_pool(const OnnxLayer& layer);
void write_slice(const OnnxLayer& layer);
void write_shuffle(const OnnxLayer& layer);
void write_upsample(const OnnxLayer& layer);
void write_pad(const OnnxLayer& layer);
void write_dropout(const OnnxLayer& layer);
void write_relu(const OnnxLayer& layer);
void write_relu6(const OnnxLayer& layer);
void write_swish(const OnnxLayer& layer);
void write_hard_swish(const OnnxLayer& layer);
void write_sigmoid(const OnnxLayer& layer);
void write_hard_sigmoid(const OnnxLayer& layer);
void write_quantizer(const OnnxLayer& layer);
void write_scale(const OnnxLayer& layer);
void write_table(const OnnxLayer& layer);

// To fp16, half to even, and back.
std::string as_half(const OnnxLayer& layer, const std::string& x, const std::string& name);

// kernel_shape, strides and pads of a convolution or pool.
OnnxAttributes window_attributes(const LayerSpec& layer);
// The first input with zeros around it where the layer pads, and the pixels of it that tap (row, column) of the window
// reads: {N, channels [begin, end), out height, out width}.
std::string zero_padded(const OnnxLayer& layer);
struct Tap {
  std::string name;
  int64_t begin;  // channels [begin, end)
  int64_t end;
  int64_t row;
  int64_t column;
};
std::string tap_pixels(const OnnxLayer& layer, const std::string& padded, const Tap& tap);
// The convolution with its sums in the order of kernels/float_ops.h, tap by tap. Throws Error where there are too many.
std::string ordered_convolution(const OnnxLayer& layer, const std::string& name);

}  // namespace carat
