// SPDX-License-Identifier: Apache-2.0
// Kinds with dot products: convolutions, linear layers, products of activations, attention.
#include <fmt/format.h>

#include "scoring/kind_fields.h"

namespace carat {
namespace {

using T = FieldType;

int64_t outputs_along(const Fields& fields, int64_t extent, int64_t kernel, int64_t stride, int64_t dilation,
                      bool is_same, int64_t padding) {
  if (is_same) return (extent + stride - 1) / stride;
  const int64_t span = extent + padding - ((kernel - 1) * dilation + 1);
  if (span < 0)
    fields.refuse("kernel", fmt::format("a window of {} does not fit an input of {} with padding {}",
                                        (kernel - 1) * dilation + 1, extent, padding));
  return span / stride + 1;
}

struct Window {
  std::pair<int64_t, int64_t> input;
  std::pair<int64_t, int64_t> kernel;
  std::pair<int64_t, int64_t> output;
};

FieldGroup window_fields() {
  return {{"input", T::extent, "height and width of the input", "", true, {}, 1, 1 << 20},
          {"kernel", T::extent, "height and width of the window", "1", false, {}, 1, 1 << 16},
          {"stride", T::extent, "of the window", "1", false, {}, 1, 1 << 16},
          {"padding",
           T::padding,
           "same: output = ceil(input / stride); valid: none; an integer on every side; or [top, bottom, left, right]",
           "\"same\"",
           false,
           {},
           0,
           1 << 16},
          {"dilation", T::integer, "of the window", "1", false, {}, 1, 1 << 16},
          {"output", T::extent, "height and width of the result: checked when given", "", false, {}, 1, 1 << 20}};
}

Window read_window(const Fields& fields) {
  Window w;
  w.input = fields.extent("input");
  w.kernel = fields.extent("kernel");
  const auto stride = fields.extent("stride");
  const int64_t dilation = fields.integer("dilation");
  const Fields::Padding padding = fields.padding("padding");
  w.output = {
      outputs_along(fields, w.input.first, w.kernel.first, stride.first, dilation, padding.is_same, padding.vertical),
      outputs_along(fields, w.input.second, w.kernel.second, stride.second, dilation, padding.is_same,
                    padding.horizontal)};
  if (fields.has("output") && fields.extent("output") != w.output)
    fields.refuse(
        "output",
        fmt::format("shapes do not fit: {}x{} input, {}x{} window, stride {}x{} give {}x{}, got {}x{}", w.input.first,
                    w.input.second, w.kernel.first, w.kernel.second, stride.first, stride.second, w.output.first,
                    w.output.second, fields.extent("output").first, fields.extent("output").second));
  return w;
}

LayerShapes convolve(const Fields& fields, WalkBuilder& builder, int64_t in, int64_t out, int64_t groups) {
  const Window w = read_window(fields);
  if (in % groups != 0 || out % groups != 0)
    fields.refuse("groups", fmt::format("{} groups do not divide {} input and {} output channels", groups, in, out));
  WeightSize size;
  size.kernels = out;
  size.groups = groups;
  size.length = checked_product(in / groups, w.kernel.first * w.kernel.second);
  size.positions = checked_product(w.output.first, w.output.second);
  size.input_elements = checked_product(in, checked_product(w.input.first, w.input.second));
  walk_weights(fields, builder, size);
  return {Shape{in, w.input.first, w.input.second}, Shape{out, w.output.first, w.output.second}};
}

LayerShapes conv2d(const Fields& fields, WalkBuilder& builder) {
  return convolve(fields, builder, fields.integer("in_channels"), fields.integer("out_channels"),
                  fields.integer("groups"));
}

LayerShapes depthwise(const Fields& fields, WalkBuilder& builder) {
  const int64_t channels = fields.integer("channels");
  return convolve(fields, builder, channels, checked_product(channels, fields.integer("multiplier")), channels);
}

LayerShapes linear(const Fields& fields, WalkBuilder& builder) {
  WeightSize size;
  size.kernels = fields.integer("out_features");
  size.length = fields.integer("in_features");
  size.positions = fields.integer("positions");
  size.is_linear = true;
  size.input_elements = checked_product(size.length, size.positions);
  walk_weights(fields, builder, size);
  return {Shape{size.length, 1, 1}, Shape{size.kernels, 1, 1}};
}

DotProducts activation_product(const Fields& fields, WalkBuilder& builder, int64_t outputs, int64_t length,
                               int64_t positions) {
  DotProducts dots;
  dots.has_weights = false;
  dots.kernels = 1;
  dots.per_kernel = {length};
  dots.length = length;
  dots.positions = checked_product(outputs, positions);
  read_operands(fields, dots);
  dots.factor_bits = dots.weight_bits = fields.has("other_bits") ? fields.integer("other_bits") : dots.input_bits;
  settle_floats(fields, builder, dots);
  return dots;
}

LayerShapes matmul(const Fields& fields, WalkBuilder& builder) {
  const int64_t rows = fields.integer("rows");
  const int64_t columns = fields.integer("columns");
  const int64_t all = checked_product(rows, columns);
  const int64_t kept = fields.has("kept") ? fields.integer("kept") : all;
  if (kept > all) fields.refuse("kept", fmt::format("the product has {} elements, got {}", all, kept));
  builder.dots(activation_product(fields, builder, kept, fields.integer("inner"), fields.integer("positions")), true);
  if (const int64_t bits = fields.integer("pattern_bits"); bits > 0) builder.store(Stored::other, bits, 1);
  return {};
}

LayerShapes attention(const Fields& fields, WalkBuilder& builder) {
  const int64_t heads = fields.integer("heads");
  const int64_t features = fields.integer("head_features");
  const int64_t keys = fields.integer("keys");
  const int64_t positions = fields.integer("positions");
  const int64_t scores = checked_product(heads, keys);
  builder.dots(activation_product(fields, builder, scores, features, positions), true);
  if (fields.flag("scaled"))
    builder.op(What::scale_mult, checked_product(scores, positions), fields.integer("scale_mult_bits"), "R16",
               fmt::format("times 1 / sqrt(d): {} heads x {} keys x {} positions", heads, keys, positions));
  builder.softmax(keys, checked_product(heads, positions), fields.integer("softmax_bits"), fields.flag("stable"));
  builder.dots(activation_product(fields, builder, checked_product(heads, features), keys, positions), true);
  return {};
}

FieldGroup activation_fields() {
  return joined(
      {input_fields(),
       accumulator_fields(),
       {{"other_bits", T::integer, "width of the other operand; input_bits when missing", "", false, {}, 1, 64},
        {"positions", T::integer, "how often per example", "1", false, {}, 1}}});
}

}  // namespace

std::vector<LayerKind> weight_kinds() {
  const FieldGroup dots = joined({weight_fields(), input_fields(), accumulator_fields(), output_fields()});
  const FieldGroup channels = {required_integer("in_channels", "input channels"),
                               required_integer("out_channels", "output channels: kernels"),
                               {"groups", T::integer, "convolution groups", "1", false, {}, 1}};
  const FieldGroup depth = {required_integer("channels", "input channels, one group each"),
                            {"multiplier", T::integer, "kernels per channel", "1", false, {}, 1}};
  const FieldGroup features = {required_integer("in_features", "inputs"),
                               required_integer("out_features", "outputs"),
                               {"positions", T::integer, "how often per example", "1", false, {}, 1}};
  return {
      {"conv2d",
       "Z nonzero weights at S output positions: Z S multiplies at the wider operand; every kernel of z > 0 nonzeros "
       "adds "
       "z - 1 times, as the accumulator says; then scale and bias",
       joined({channels, window_fields(), dots}), conv2d},
      {"depthwise_conv2d", "conv2d with one group per channel", joined({depth, window_fields(), dots}), depthwise},
      {"linear", "conv2d's counts with S = positions", joined({features, dots}), linear},
      {"matmul",
       "activations by activations: rows x columns dot products of length inner; static sparsity: only kept of them "
       "(R22)",
       joined({{required_integer("rows", "of the result"),
                required_integer("inner", "length of a dot product"),
                required_integer("columns", "of the result"),
                {"kept", T::integer, "elements of the result that are computed, a static choice"},
                {"pattern_bits", T::integer, "bits that are stored for the pattern; 0: a formula", "0"}},
               activation_fields()}),
       matmul},
      {"attention",
       "per position: heads x keys dot products of head_features, their softmax, heads x head_features dot products of "
       "keys",
       joined({{required_integer("heads", "heads"),
                required_integer("head_features", "features of a head"),
                required_integer("keys", "positions that are attended to"),
                {"scaled", T::boolean, "one multiply per score", "false"},
                owned_by("scaled", width_field("scale_mult_bits", "its width")),
                width_field("softmax_bits", "width of the softmax"),
                {"stable", T::boolean, "the softmax finds and subtracts the maximum", "false"}},
               activation_fields()}),
       attention},
  };
}

}  // namespace carat
