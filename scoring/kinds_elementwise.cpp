// SPDX-License-Identifier: Apache-2.0
// Kinds that work element by element, pooling, conversions, and raw operations and tensors.
#include <fmt/format.h>

#include "scoring/kind_fields.h"

namespace carat {
namespace {

using T = FieldType;

std::string plane_text(const Shape& shape) {
  return fmt::format("{} channels x {} x {}", shape.channels, shape.height, shape.width);
}

LayerShapes same(const Shape& shape) { return {shape, shape}; }

LayerShapes scale(const Fields& fields, WalkBuilder& builder) {
  const Shape shape = plane_of(fields);
  builder.op(What::scale_mult, shape.elements(), fields.integer("mult_bits"), "R16 R18", plane_text(shape));
  builder.store(Stored::scale, fields.flag("shared") ? 1 : shape.channels, fields.integer("scale_bits"));
  if (fields.flag("bias")) {
    builder.op(What::bias_add, shape.elements(), fields.integer("add_bits"), "R16 O2", plane_text(shape));
    builder.store(Stored::scale_bias, shape.channels, fields.integer("bias_bits"));
  }
  return same(shape);
}

LayerShapes batch_norm(const Fields& fields, WalkBuilder& builder) {
  const Shape shape = plane_of(fields);
  if (!fields.flag("scale_folded")) {
    builder.op(What::norm_mult, shape.elements(), fields.integer("mult_bits"), "R16", plane_text(shape));
    builder.store(Stored::norm_scale, shape.channels, fields.integer("scale_bits"));
  }
  builder.op(What::norm_add, shape.elements(), fields.integer("add_bits"), "R16 O2", plane_text(shape));
  builder.store(Stored::norm_bias, shape.channels, fields.integer("bias_bits"));
  return same(shape);
}

LayerShapes add_bias(const Fields& fields, WalkBuilder& builder) {
  const Shape shape = plane_of(fields);
  builder.op(What::bias_add, shape.elements(), fields.integer("add_bits"), "R16 O2", plane_text(shape));
  builder.store(Stored::bias, shape.channels, fields.integer("bias_bits"));
  return same(shape);
}

LayerShapes add(const Fields& fields, WalkBuilder& builder) {
  const Shape shape = plane_of(fields);
  builder.op(What::residual_add, checked_product(shape.elements(), fields.integer("inputs") - 1),
             fields.integer("bits"), "R16 R18",
             fmt::format("{} x ({} - 1)", plane_text(shape), fields.integer("inputs")));
  return same(shape);
}

LayerShapes multiply(const Fields& fields, WalkBuilder& builder) {
  const Shape shape = plane_of(fields);
  builder.op(What::elementwise_mult, shape.elements(), fields.integer("bits"), "R16 R18", plane_text(shape));
  return same(shape);
}

LayerShapes relu(const Fields& fields, WalkBuilder& builder) {
  const Shape shape = plane_of(fields);
  builder.op(What::relu, shape.elements(), fields.integer("bits"), "R16 R18", plane_text(shape));
  return same(shape);
}

LayerShapes prelu(const Fields& fields, WalkBuilder& builder) {
  const Shape shape = plane_of(fields);
  const int64_t bits = fields.integer("bits");
  builder.function(*function_cost("leaky_relu"), shape.elements(), bits, bits);
  builder.store(Stored::other, shape.channels, fields.integer("slope_bits"));
  return same(shape);
}

bool has_additions(const FunctionCost& cost) { return cost.adds + cost.transcendentals > 0; }

template <int kIndex>
LayerShapes function(const Fields& fields, WalkBuilder& builder) {
  const Shape shape = plane_of(fields);
  const FunctionCost& cost = function_costs()[kIndex];
  const int64_t mult_bits = cost.mults > 0 ? fields.integer("bits") : 0;
  const int64_t add_bits = has_additions(cost) ? fields.integer("add_bits") : 0;
  builder.function(cost, shape.elements(), mult_bits, add_bits);
  return same(shape);
}

LayerShapes lookup(const Fields& fields, WalkBuilder& builder) {
  const Shape shape = plane_of(fields);
  builder.op(What::lookup, shape.elements(), fields.integer("input_bits"), "open R18", plane_text(shape));
  const int64_t bits = fields.integer("input_bits");
  constexpr int64_t kWidest = 32;
  fields.require(fields.has("entries") || bits <= kWidest, "input_bits",
                 fmt::format("a table of 2^{} entries: expected at most 2^{}, or 'entries'", bits, kWidest));
  const int64_t entries = fields.has("entries") ? fields.integer("entries") : int64_t{1} << bits;
  builder.store(Stored::table, checked_product(entries, fields.integer("tables")), fields.integer("entry_bits"));
  return same(shape);
}

LayerShapes pool(const Fields& fields, WalkBuilder& builder, bool is_average) {
  const auto [height, width] = fields.extent("input");
  const auto [kernel_height, kernel_width] = fields.extent("kernel");
  const int64_t channels = fields.integer("channels");
  const auto stride = fields.has("stride") ? fields.extent("stride") : fields.extent("kernel");
  const Fields::Padding padding = fields.padding("padding");
  const auto along = [&](int64_t extent, int64_t window, int64_t step, int64_t pad) {
    if (padding.is_same) return (extent + step - 1) / step;
    if (extent + pad < window)
      fields.refuse("kernel",
                    fmt::format("a window of {} does not fit an input of {} with padding {}", window, extent, pad));
    return (extent + pad - window) / step + 1;
  };
  const Shape out{channels, along(height, kernel_height, stride.first, padding.vertical),
                  along(width, kernel_width, stride.second, padding.horizontal)};
  const int64_t windows = checked_product(channels, checked_product(out.height, out.width));
  if (is_average) {
    builder.pool({windows, kernel_height, kernel_width, checked_product(channels, checked_product(height, width)),
                  fields.integer("add_bits"), fields.integer("mult_bits")});
  } else {
    const int64_t values = checked_product(kernel_height, kernel_width);
    builder.op(What::comparison, checked_product(windows, values - 1), fields.integer("bits"), "R16 R18",
               fmt::format("{} windows x ({} - 1)", windows, values));
  }
  return {Shape{channels, height, width}, out};
}

LayerShapes max_pool(const Fields& fields, WalkBuilder& builder) { return pool(fields, builder, false); }
LayerShapes avg_pool(const Fields& fields, WalkBuilder& builder) { return pool(fields, builder, true); }

LayerShapes global_avg_pool(const Fields& fields, WalkBuilder& builder) {
  const auto [height, width] = fields.extent("input");
  const int64_t channels = fields.integer("channels");
  builder.pool({channels, height, width, checked_product(channels, checked_product(height, width)),
                fields.integer("add_bits"), fields.integer("mult_bits")});
  return {Shape{channels, height, width}, Shape{channels, 1, 1}};
}

LayerShapes quantize(const Fields& fields, WalkBuilder& builder) {
  const Shape shape = plane_of(fields);
  const int64_t scales = fields.integer("scales");
  if (scales > 0) require_one_or(fields, "scales", shape.channels);
  builder.store(Stored::scale, scales, fields.integer("scale_bits"));
  if (scales > 0 && fields.flag("multiply"))
    builder.op(What::scale_mult, shape.elements(), fields.integer("mult_bits"), "R16 R21", plane_text(shape));
  return same(shape);
}

LayerShapes convert(const Fields& fields, WalkBuilder& builder) {
  const Shape shape = plane_of(fields);
  builder.op(What::conversion, shape.elements(), fields.integer("bits"), "R21", plane_text(shape));
  return same(shape);
}

LayerShapes permute(const Fields& fields, WalkBuilder& builder) {
  const Shape shape = plane_of(fields);
  const int64_t bits = fields.integer("value_bits");
  builder.permutation(shape.channels, shape.elements(), bits, std::max(bits, fields.integer("input_bits")));
  return same(shape);
}

LayerShapes copy(const Fields& fields, WalkBuilder& /*builder*/) {
  if (!fields.has("channels")) return {};
  const auto [height, width] = fields.extent("size");
  return {std::nullopt, Shape{fields.integer("channels"), height, width}};
}

LayerShapes operations(const Fields& fields, WalkBuilder& builder) {
  static const std::vector<std::pair<const char*, What>> names = {
      {"multiply", What::mult},         {"add", What::add},         {"bias_add", What::bias_add},
      {"comparison", What::comparison}, {"bitwise", What::bitwise}, {"transcendental", What::transcendental}};
  What what = What::mult;
  for (const auto& [name, value] : names)
    if (fields.text("operation") == name) what = value;
  const char* rule = what == What::bitwise || what == What::transcendental ? "R17 R18" : "R16 R18";
  builder.op(what, fields.number("count"), fields.integer("bits"), rule);
  return {};
}

LayerShapes tensor(const Fields& fields, WalkBuilder& builder) {
  StoredTensor stored;
  stored.what = Stored::other;
  stored.elements = fields.integer("elements");
  const int64_t kept = fields.has("nonzeros") ? fields.integer("nonzeros") : stored.elements;
  if (kept > stored.elements) fields.refuse("nonzeros", "more nonzeros than elements");
  stored.nonzeros = kept;
  const bool has_mask = fields.has("mask") ? fields.flag("mask") : kept < stored.elements;
  stored.values = has_mask ? kept : stored.elements;
  stored.mask_bits = has_mask ? stored.elements : 0;
  stored.bits = fields.integer("bits");
  builder.store(std::move(stored));
  return {};
}

FieldGroup function_fields(const FunctionCost& cost) {
  FieldGroup fields = plane_fields();
  if (cost.mults > 0) fields.push_back(width_field("bits", "width of its multiplies, divides and comparisons"));
  if (has_additions(cost))
    fields.push_back(width_field("add_bits", "width of its additions and transcendental functions"));
  return fields;
}

template <size_t... kIndices>
void add_functions(std::vector<LayerKind>& kinds, std::index_sequence<kIndices...> /*indices*/) {
  (kinds.push_back(
       {function_costs()[kIndices].name,
        fmt::format("{} multiplies, divides and comparisons, {} additions, {} transcendental per element: {}",
                    function_costs()[kIndices].mults, function_costs()[kIndices].adds,
                    function_costs()[kIndices].transcendentals, function_costs()[kIndices].formula),
        function_fields(function_costs()[kIndices]), function<static_cast<int>(kIndices)>}),
   ...);
}

}  // namespace

std::vector<LayerKind> elementwise_kinds() {
  const FieldGroup plane = plane_fields();
  const FieldSpec bits = width_field("bits", "width of the wider operand");
  const FieldGroup sums = {width_field("add_bits", "width of the additions"),
                           width_field("mult_bits", "of the multiplies")};
  const FieldGroup windows = {required_integer("channels", "channels"),
                              {"input", T::extent, "height and width of the input", "", true, {}, 1, 1 << 20},
                              {"kernel", T::extent, "height and width of the window", "", true, {}, 1, 1 << 16},
                              {"stride", T::extent, "the window when missing", "", false, {}, 1, 1 << 16},
                              {"padding", T::padding, "as in conv2d", "\"valid\"", false, {}, 0, 1 << 16}};
  std::vector<LayerKind> kinds = {
      {"scale", "y = k x + b per channel: one multiply, with bias one addition per element; k and b are stored",
       joined({plane,
               {{"bias", T::boolean, "has b", "false"},
                width_field("scale_bits", "bits of a stored k"),
                owned_by("bias", width_field("bias_bits", "bits of a stored b")),
                {"shared", T::boolean, "one k for all channels", "false"},
                owned_by("bias", sums[0]),
                sums[1]}}),
       scale},
      {"batch_norm",
       "one multiply and one addition per element, two values per channel; folded: the addition alone (O2)",
       joined({plane,
               {{"scale_folded", T::boolean, "the factor is in the weights", "false"},
                owned_by("scale_folded", width_field("scale_bits", "bits of a stored factor"), {"false"}),
                width_field("bias_bits", "bits of a stored bias"),
                sums[0],
                owned_by("scale_folded", sums[1], {"false"})}}),
       batch_norm},
      {"add_bias", "one addition per element, one stored value per channel",
       joined({plane, {width_field("bias_bits", "bits of a stored bias"), width_field("add_bits", "of the addition")}}),
       add_bias},
      {"add", "residual connection: inputs - 1 additions per element",
       joined({plane, {bits, {"inputs", T::integer, "terms", "2", false, {}, 2, 64}}}), add},
      {"multiply", "one multiply per element: squeeze and excite, gates", joined({plane, {bits}}), multiply},
      {"relu", "one operation per element", joined({plane, {bits}}), relu},
      {"prelu", "leaky_relu with a stored slope per channel",
       joined({plane,
               {width_field("bits", "width of its multiplies and comparisons"),
                width_field("slope_bits", "bits of a stored slope")}}),
       prelu},
      {"lookup",
       "a function from code to code by a table: the table is stored, one operation per element at the code's width",
       joined({plane,
               {width_field("input_bits", "width of the codes", 8),
                {"entries", T::integer, "2^input_bits when missing, at most 2^32", "", false, {}, 1},
                width_field("entry_bits", "bits of an entry", 8),
                {"tables", T::integer, "tables", "1", false, {}, 1}}}),
       lookup},
      {"max_pool", "window - 1 comparisons per output", joined({windows, {bits}}), max_pool},
      {"avg_pool", "window - 1 additions and one multiply per output", joined({windows, sums}), avg_pool},
      {"global_avg_pool", "height x width - 1 additions and one multiply per channel",
       joined({{windows[0], windows[1]}, sums}), global_avg_pool},
      {"quantize",
       "to codes: rounding and clamping are free (R21); scales: one multiply per element, folded elsewhere with "
       "multiply: "
       "false",
       joined({plane,
               {{"scales", T::integer, "stored scales: channels, or 1", "0"},
                owned_by("scales", width_field("scale_bits", "bits of a stored scale")),
                owned_by("scales", {"multiply", T::boolean, "the multiply is executed", "true"}),
                owned_by("scales", owned_by("multiply", width_field("mult_bits", "its width"), {"true"}))}}),
       quantize},
      {"convert", "a conversion that FP32 does not represent: one operation per element (R21)", joined({plane, {bits}}),
       convert},
      {"permute", "channel permutation: one multiply per element, C values and C x C mask bits (R23)",
       joined({plane,
               {width_field("value_bits", "bits of a stored value"), width_field("input_bits", "of the activations")}}),
       permute},
      {"copy", "concatenation, reshape, nearest-neighbour upsampling, padding, dropout: nothing is charged",
       joined({{{"channels", T::integer, "of the result", "", false, {}, 1},
                owned_by("channels", {"size", T::extent, "of the result", "1", false, {}, 1, 1 << 20})}}),
       copy},
      {"operations",
       "count operations that no other kind describes",
       {{"operation",
         T::choice,
         "which",
         "",
         true,
         {"multiply", "add", "bias_add", "comparison", "bitwise", "transcendental"}},
        {"count", T::number, "per example", "", true, {}, 0, int64_t{1} << 50},
        bits},
       operations},
      {"tensor",
       "a stored tensor that no other kind describes",
       {required_integer("elements", "elements"),
        width_field("bits", "bits of a value"),
        {"nonzeros", T::integer, "nonzero elements: these and a bit mask are stored"},
        {"mask", T::boolean, "a bit mask is stored although nothing is zero, or none although something is", ""}},
       tensor},
  };
  add_functions(kinds, std::make_index_sequence<9>());
  return kinds;
}

}  // namespace carat
