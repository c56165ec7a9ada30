// SPDX-License-Identifier: Apache-2.0
#include "scoring/kind_fields.h"

#include <fmt/format.h>

namespace carat {

using T = FieldType;

int64_t tree_width(int64_t n, int64_t bits) {
  for (; n > 1; n = (n + 1) / 2) ++bits;
  return bits;
}

FieldGroup joined(std::initializer_list<FieldGroup> groups) {
  FieldGroup all;
  for (const FieldGroup& group : groups) all.insert(all.end(), group.begin(), group.end());
  return all;
}

FieldSpec required_integer(const std::string& name, const std::string& help, int64_t lowest) {
  return {name, T::integer, help, "", true, {}, lowest};
}

FieldSpec width_field(const std::string& name, const std::string& help, int64_t usual) {
  return {name, T::integer, help, std::to_string(usual), false, {}, 1, 64};
}

FieldGroup plane_fields() {
  return {required_integer("channels", "channels"),
          {"size", T::extent, "height and width", "1", false, {}, 1, 1 << 20}};
}

Shape plane_of(const Fields& fields) {
  const auto [height, width] = fields.extent("size");
  const Shape shape{fields.integer("channels"), height, width};
  checked_product(checked_product(shape.channels, height), width);
  return shape;
}

void read_operands(const Fields& fields, DotProducts& dots) {
  const std::string type = fields.text("input_type");
  dots.input_bits = fields.integer("input_bits");
  dots.input_type = type == "float"      ? NumberType::floating
                    : type == "signed"   ? NumberType::signed_integer
                    : type == "unsigned" ? NumberType::unsigned_integer
                                         : NumberType::sign_magnitude;
  dots.mult_bits = fields.integer("mult_bits");
  std::string accumulator = fields.text("accumulator");
  if (accumulator == "auto") accumulator = dots.on_integers() ? "tree" : "float32";
  fields.require(accumulator != "tree" || dots.on_integers(), "accumulator",
                 "an adder tree needs inputs that are codes");
  fields.require(accumulator != "fixed" || fields.has("accumulator_bits"), "accumulator",
                 "the accumulator 'fixed' needs 'accumulator_bits'");
  using Kind = Accumulator::Kind;
  dots.accumulator = accumulator == "tree"      ? Accumulator{Kind::tree, 0}
                     : accumulator == "float16" ? Accumulator{Kind::floating, 16}
                     : accumulator == "float32" ? Accumulator{Kind::floating, 32}
                                                : Accumulator{Kind::fixed, fields.integer("accumulator_bits")};
}

void require_one_or(const Fields& fields, const std::string& name, int64_t count) {
  const int64_t value = fields.integer(name);
  fields.require(value == 1 || value == count, name,
                 fmt::format("expected 1 or {}, one for everything or one each, got {}", count, value));
}

}  // namespace carat
