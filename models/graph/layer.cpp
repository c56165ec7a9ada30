// SPDX-License-Identifier: Apache-2.0
#include "models/graph/layer.h"

#include "base/fail.h"
#include "base/text.h"

namespace carat {

const std::vector<OpInfo>& op_table() {
  static const std::vector<OpInfo> table = {
      {OpKind::input, "input", 0, 0, "image, unsigned 8-bit codes, real = (code / 255 - mean) / deviation"},
      {OpKind::conv, "conv", 1, 1, "2-d convolution with groups and zero padding"},
      {OpKind::linear, "linear", 1, 1, "matrix product over the flattened input"},
      {OpKind::batch_norm, "batch_norm", 1, 1, "gamma * (x - mean) / sqrt(var + eps) + beta per channel"},
      {OpKind::add, "add", 2, 16, "sum of inputs of one shape"},
      {OpKind::multiply, "multiply", 2, 2, "product; the second input may be 1x1 per channel"},
      {OpKind::concat, "concat", 1, 64, "inputs one after the other along the channels"},
      {OpKind::max_pool, "max_pool", 1, 1, "largest value of a window"},
      {OpKind::avg_pool, "avg_pool", 1, 1, "mean of a window, padding counts as zeros"},
      {OpKind::global_avg_pool, "global_avg_pool", 1, 1, "mean of each channel"},
      {OpKind::slice, "slice", 1, 1, "some of the channels, one after the other"},
      {OpKind::shuffle, "shuffle", 1, 1, "channels of several groups interleaved"},
      {OpKind::upsample, "upsample", 1, 1, "nearest neighbour to a square size"},
      {OpKind::pad, "pad", 1, 1, "a border of one value"},
      {OpKind::dropout, "dropout", 1, 1, "zeroes a random share of values in training"},
      {OpKind::relu, "relu", 1, 1, "max(x, 0)"},
      {OpKind::relu6, "relu6", 1, 1, "min(max(x, 0), 6)"},
      {OpKind::swish, "swish", 1, 1, "x / (1 + exp(-x))"},
      {OpKind::hard_swish, "hard_swish", 1, 1, "x * min(max(x + 3, 0), 6) / 6"},
      {OpKind::sigmoid, "sigmoid", 1, 1, "1 / (1 + exp(-x))"},
      {OpKind::hard_sigmoid, "hard_sigmoid", 1, 1, "min(max(x + 3, 0), 6) / 6"},
      {OpKind::activation_quant, "activation_quant", 1, 1, "scale * clamp(round(x / scale), lowest, highest)"},
      {OpKind::scale, "scale", 1, 1, "k * x + b per channel in a declared arithmetic"},
      {OpKind::table, "table", 1, 1, "codes to codes by a table"},
  };
  return table;
}

const OpInfo& info_of(OpKind op) { return op_table()[static_cast<size_t>(op)]; }

std::string_view name_of(OpKind op) { return info_of(op).name; }

OpKind op_named(std::string_view name) {
  std::vector<std::string> names;
  for (const OpInfo& info : op_table()) {
    if (info.name == name) return info.kind;
    names.emplace_back(info.name);
  }
  const std::string nearest = nearest_name(name, names);
  fail("unknown operation '{}'{}", name, nearest.empty() ? "" : ", did you mean '" + nearest + "'?");
}

std::string_view name_of(Arithmetic arithmetic) {
  switch (arithmetic) {
    case Arithmetic::float32:
      return "float32";
    case Arithmetic::fp16:
      return "fp16";
    case Arithmetic::fp16_strict:
      return "fp16_strict";
    case Arithmetic::integer:
      return "integer";
  }
  return "";
}

Arithmetic arithmetic_named(std::string_view name) {
  if (name == "float32") return Arithmetic::float32;
  if (name == "fp16") return Arithmetic::fp16;
  if (name == "fp16_strict") return Arithmetic::fp16_strict;
  if (name == "integer") return Arithmetic::integer;
  fail("arithmetic: expected float32, fp16, fp16_strict or integer, got {}", name);
}

std::string to_text(const Shape& shape) { return fmt::format("{}x{}x{}", shape.channels, shape.height, shape.width); }

bool keeps_codes(OpKind op) {
  return op == OpKind::max_pool || op == OpKind::concat || op == OpKind::dropout || op == OpKind::upsample ||
         op == OpKind::slice || op == OpKind::shuffle || op == OpKind::pad;
}

bool has_weights(const LayerSpec& layer) { return layer.op == OpKind::conv || layer.op == OpKind::linear; }

bool has_numbers(const LayerSpec& layer) {
  return has_weights(layer) || layer.op == OpKind::batch_norm || layer.op == OpKind::scale || layer.op == OpKind::table;
}

}  // namespace carat
