// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "scoring/kept_weights.h"
#include "scoring/kind_fields.h"

namespace carat {
namespace {

void walk_output(const Fields& fields, WalkBuilder& builder, const WeightSize& size) {
  const int64_t outputs = checked_product(size.kernels, size.positions);
  if (const int64_t scales = fields.integer("scales"); scales > 0) {
    require_one_or(fields, "scales", size.kernels);
    builder.store(Stored::scale, scales, fields.integer("scale_bits"));
    if (const int64_t bits = fields.integer("scale_mult_bits"); bits > 0)
      builder.op(What::scale_mult, outputs, bits, "R16 R18",
                 fmt::format("{} kernels x {} positions", size.kernels, size.positions));
  }
  if (fields.flag("bias")) {
    const int64_t values = fields.has("bias_nonzeros") ? fields.integer("bias_nonzeros") : size.kernels;
    fields.require(values <= size.kernels, "bias_nonzeros", "more nonzero biases than kernels");
    StoredTensor bias;
    bias.what = Stored::bias;
    bias.elements = size.kernels;
    bias.values = bias.nonzeros = values;
    bias.bits = fields.integer("bias_bits");
    if (fields.has("bias_nonzeros")) bias.mask_bits = size.kernels;
    builder.store(std::move(bias));
    builder.op(What::bias_add, checked_product(values, size.positions), fields.integer("bias_add_bits"), "R16 O2",
               fmt::format("{} biases x {} positions", values, size.positions));
    if (values > 0) builder.dense_count(outputs);
  }
}

// Of the exact sum of a window's inputs.
int64_t window_sum_bits(const DotProducts& dots) {
  return dots.on_integers() ? tree_width(dots.length, dots.input_bits) : std::max<int64_t>(32, dots.input_bits);
}

// sum (w - z) x = sum w x - z sum x: the product uses the stored weight, open interpretation 7.
void walk_weight_zero_points(const Fields& fields, WalkBuilder& builder, const WeightSize& size,
                             const DotProducts& dots) {
  const int64_t points = fields.integer("weight_zero_points");
  if (points == 0) return;
  require_one_or(fields, "weight_zero_points", size.kernels);
  const int64_t bits = fields.integer("weight_zero_point_bits");
  builder.store(Stored::zero_point, points, bits);
  const int64_t width = window_sum_bits(dots);
  const int64_t windows = checked_product(size.groups, size.positions);
  const int64_t outputs = checked_product(size.kernels, size.positions);
  const bool is_tree = dots.accumulator.kind == Accumulator::Kind::tree;
  const int64_t sum_bits = is_tree ? tree_width(size.length, dots.product_bits()) : dots.accumulator.bits;
  const int64_t correction_bits = dots.on_integers() ? width + bits : std::max(width, bits);
  builder.op(What::zero_point, checked_product(size.length - 1, windows), width, "R9 R16 R18",
             fmt::format("sum of the {} inputs of {} windows", size.length, windows));
  builder.op(What::zero_point, outputs, std::max(width, bits), "R9 R16 R18",
             fmt::format("that sum times the zero point: {} outputs", outputs));
  builder.op(What::zero_point, outputs, std::max(correction_bits, sum_bits), "R9 R16 R18",
             fmt::format("subtracted from the dot product: {} outputs", outputs));
}

// Folded: sum w (x - z) = sum w x - z sum w, and the second term lies in the bias. Else x - z is executed, and the
// product uses it: one bit wider than x and z, and signed.
void walk_input_zero_point(const Fields& fields, WalkBuilder& builder, const WeightSize& size, DotProducts& dots) {
  if (!fields.has("input_zero_point_bits")) return;
  const int64_t bits = fields.integer("input_zero_point_bits");
  builder.store(Stored::zero_point, 1, bits);
  if (fields.flag("input_zero_point_folded")) return;
  const int64_t width = std::max(bits, dots.input_bits);
  builder.op(What::zero_point, size.input_elements, width, "R9 R16 R18",
             fmt::format("subtracted from each of {} inputs", size.input_elements));
  dots.input_bits = width + 1;
  if (dots.input_type == NumberType::unsigned_integer) dots.input_type = NumberType::signed_integer;
}

void note_narrow_accumulator(WalkBuilder& builder, const DotProducts& dots) {
  if (!dots.on_integers() || dots.accumulator.kind != Accumulator::Kind::fixed || dots.per_kernel.empty()) return;
  const int64_t largest = *std::max_element(dots.per_kernel.begin(), dots.per_kernel.end());
  const int64_t needed = tree_width(largest, dots.product_bits());
  if (dots.accumulator.bits < needed)
    builder.note(
        fmt::format("an accumulator of {} bits is declared where an exact sum needs {}: its kernels must really be "
                    "narrow (R25)",
                    dots.accumulator.bits, needed));
}

}  // namespace

void settle_floats(const Fields& fields, WalkBuilder& builder, DotProducts& dots) {
  if (dots.on_integers()) return;
  const int64_t widest = std::max(dots.factor_bits, dots.input_bits);
  if (fields.text("accumulator") == "auto") dots.accumulator.bits = std::max<int64_t>(32, widest);
  if (dots.input_bits != 16 && dots.input_bits != 32 && dots.input_bits != 64)
    builder.note_layer(
        fmt::format("inputs are {}-bit floats (input_type is float; say unsigned, signed or "
                    "sign_magnitude for integer codes)",
                    dots.input_bits));
}

void walk_weights(const Fields& fields, WalkBuilder& builder, const WeightSize& size) {
  KeptWeights weights = read_weights(fields, size.kernels, size.length);
  note_spreading(fields, builder, weights);
  store_weights(fields, builder, weights);
  DotProducts dots;
  dots.kernels = size.kernels;
  dots.length = size.length;
  dots.positions = size.positions;
  dots.is_linear = size.is_linear;
  dots.is_fractional = weights.is_fractional;
  dots.products = weights.products;
  dots.per_kernel = std::move(weights.per_kernel);
  dots.weight_bits = weights.tensor.bits;
  dots.factor_bits = weights.factor_bits;
  read_operands(fields, dots);
  settle_floats(fields, builder, dots);
  walk_input_zero_point(fields, builder, size, dots);
  dots.is_sign_flip =
      weights.is_sign && (dots.input_type == NumberType::floating || dots.input_type == NumberType::sign_magnitude);
  note_narrow_accumulator(builder, dots);
  walk_weight_zero_points(fields, builder, size, dots);
  builder.dots(std::move(dots), true);
  walk_output(fields, builder, size);
}

}  // namespace carat
