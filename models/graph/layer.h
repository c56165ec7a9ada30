// SPDX-License-Identifier: Apache-2.0
// One layer of a network as data: its operation, its inputs, and how its weights and results are compressed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/preprocessing.h"
#include "models/graph/quant.h"

namespace carat {

enum class OpKind {
  input,            // the image as unsigned 8-bit codes; real = code / 255, or as its preprocessing says
  conv,             // 2-d convolution with groups and zero padding
  linear,           // over the flattened input (channel, row, column)
  batch_norm,       // per channel
  add,              // two or more inputs of one shape
  multiply,         // two inputs of one shape, or the second is 1x1 per channel (squeeze and excite)
  concat,           // along the channels
  max_pool,         // padding never wins
  avg_pool,         // padding counts as zeros
  global_avg_pool,  // to 1x1
  slice,            // channels [begin, begin + out_channels)
  shuffle,          // channels c = g * n + i of groups g move to i * groups + g (ShuffleNet)
  upsample,         // nearest neighbour to size x size: source = floor(i * in / size)
  pad,              // a border of one value: codes whose zero is not code 0 cannot be padded with zeros
  dropout,          // acts in training only
  relu,
  relu6,
  swish,
  hard_swish,
  sigmoid,
  hard_sigmoid,
  activation_quant,  // real = scale * clamp(round(x / scale), lowest, highest)
  scale,             // y = k * x + b per channel, in the arithmetic that it declares
  table,             // codes to codes: y = table[x - lowest code of x]
};

// Arithmetic of a Scale layer. fp16: k and b are stored as fp16, p = f32(k) * f32(x), y = p + f32(b), two roundings.
// fp16_strict: the same with p and y rounded to fp16, half to even. integer: x, k and b are integers and
// y = floor((k * x + b) / 2^shift), exact.
enum class Arithmetic { float32, fp16, fp16_strict, integer };

// One mask bit for every block of kernels x weights of a kernel; blocks at an edge may be partial.
struct MaskBlock {
  int64_t kernels = 1;
  int64_t weights = 1;

  bool operator==(const MaskBlock&) const = default;
};

// Declared widths of an integer Scale layer: two's complement bits of k and of b, and the shift to the right.
struct IntegerScale {
  int64_t multiplier_bits = 8;
  int64_t bias_bits = 16;
  int64_t shift = 0;

  bool operator==(const IntegerScale&) const = default;
};

// Sizes per example: channels, height, width.
struct Shape {
  int64_t channels = 0;
  int64_t height = 1;
  int64_t width = 1;

  int64_t elements() const { return channels * height * width; }
  bool operator==(const Shape&) const = default;
};

struct LayerSpec {
  std::string name;
  OpKind op = OpKind::input;
  std::vector<std::string> inputs;

  Shape input_shape;                           // input
  std::optional<Preprocessing> preprocessing;  // input: how images were prepared and are normalised
  int64_t out_channels = 0;                    // conv, linear, slice
  int64_t kernel = 1;                          // conv, max_pool, avg_pool
  int64_t stride = 1;                          // conv, max_pool, avg_pool
  int64_t padding = 0;                         // conv, max_pool, avg_pool, pad
  int64_t extra_padding = 0;                   // conv, pools, pad: more rows below and columns to the right
  int64_t groups = 1;                          // conv, shuffle
  int64_t begin = 0;                           // slice
  bool has_bias = false;                       // conv, linear, scale
  double epsilon = 1e-5;                       // batch_norm
  double rate = 0.0;                           // dropout
  int64_t size = 0;                            // upsample
  int64_t fill = 0;                            // pad: the border's value

  bool is_masked = false;          // conv, linear: pruned weights stay zero
  std::optional<MaskBlock> block;  // masked layers: blocks are kept or pruned as a whole
  std::optional<QuantSpec> quant;  // conv, linear: the weights; activation_quant, table: the result
  bool has_unit_scale = false;     // quantized layers after fusing: the scales have moved to a Scale layer
  // scale; relu, avg_pool, global_avg_pool, multiply: width of multiplies; input: fp16 rounds the normalised image
  Arithmetic arithmetic = Arithmetic::float32;
  std::optional<IntegerScale> integer;  // scale in integer arithmetic

  bool operator==(const LayerSpec&) const = default;
};

struct OpInfo {
  OpKind kind;
  std::string_view name;
  int64_t min_inputs;
  int64_t max_inputs;
  std::string_view help;
};

// The table of operations, in the order of OpKind.
const std::vector<OpInfo>& op_table();
const OpInfo& info_of(OpKind op);
std::string_view name_of(OpKind op);
OpKind op_named(std::string_view name);
std::string_view name_of(Arithmetic arithmetic);
Arithmetic arithmetic_named(std::string_view name);
std::string to_text(const Shape& shape);

// Values are only moved or chosen, so codes stay codes of one scale.
bool keeps_codes(OpKind op);

// Convolution and linear layers own prunable, quantizable weights.
bool has_weights(const LayerSpec& layer);
// Weights, or the factors and offsets of batch norm and Scale layers.
bool has_numbers(const LayerSpec& layer);

}  // namespace carat
