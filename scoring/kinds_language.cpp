// SPDX-License-Identifier: Apache-2.0
// Kinds of language models, per token: embedding, softmax, layer norm, LSTM and QRNN.
#include <fmt/format.h>

#include "scoring/kept_weights.h"
#include "scoring/kind_fields.h"

namespace carat {
namespace {

using T = FieldType;

LayerShapes embedding(const Fields& fields, WalkBuilder& builder) {
  const int64_t rows = fields.integer("vocabulary");
  store_weights(fields, builder, read_weights(fields, rows, fields.integer("features")));
  if (const int64_t scales = fields.integer("scales"); scales > 0) {
    require_one_or(fields, "scales", rows);
    builder.store(Stored::scale, scales, fields.integer("scale_bits"));
    if (const int64_t bits = fields.integer("scale_mult_bits"); bits > 0)
      builder.op(What::scale_mult, fields.integer("features"), bits, "R16", "one token's vector");
  }
  return {};
}

LayerShapes softmax(const Fields& fields, WalkBuilder& builder) {
  builder.softmax(fields.integer("classes"), fields.integer("positions"), fields.integer("bits"),
                  fields.flag("stable"));
  return {};
}

LayerShapes layer_norm(const Fields& fields, WalkBuilder& builder) {
  const int64_t features = fields.integer("features");
  fields.require(!fields.has("value_bits") || fields.flag("gain") || fields.flag("offset"), "value_bits",
                 "'value_bits' belongs to 'gain' or 'offset', got neither");
  builder.layer_norm({features, fields.integer("positions"), fields.flag("gain"), fields.flag("offset")});
  if (fields.flag("gain")) builder.store(Stored::norm_scale, features, fields.integer("value_bits"));
  if (fields.flag("offset")) builder.store(Stored::norm_bias, features, fields.integer("value_bits"));
  return {};
}

// Gates are sigmoids, candidates tanh; source: Hochreiter and Schmidhuber 1997 with forget gate.
LayerShapes lstm(const Fields& fields, WalkBuilder& builder) {
  const int64_t hidden = fields.integer("hidden_features");
  const int64_t recurrent = fields.has("projected_features") ? fields.integer("projected_features") : hidden;
  WeightSize size;
  size.kernels = checked_product(4, hidden);
  size.length = checked_sum(fields.integer("in_features"), recurrent);
  size.is_linear = true;
  size.input_elements = size.length;
  walk_weights(fields, builder, size);
  const int64_t bits = fields.integer("gate_bits");
  builder.function(*function_cost("sigmoid"), checked_product(3, hidden), bits, bits);
  builder.function(*function_cost("tanh"), checked_product(2, hidden), bits, bits);
  builder.op(What::elementwise_mult, checked_product(3, hidden), bits, "R16 R18",
             fmt::format("f c, i g and o tanh(c): 3 x {}", hidden));
  builder.op(What::residual_add, hidden, bits, "R16 R18", fmt::format("f c + i g: {}", hidden));
  return {};
}

// z = tanh, f and o (and i) sigmoid of a causal window; fo-pooling. Source: Bradbury et al. 2016, eq. 2 to 5.
LayerShapes qrnn(const Fields& fields, WalkBuilder& builder) {
  const int64_t hidden = fields.integer("hidden_features");
  const std::string pooling = fields.text("pooling");
  const int64_t gates = pooling == "f" ? 1 : pooling == "fo" ? 2 : 3;
  WeightSize size;
  size.kernels = checked_product(gates + 1, hidden);
  size.length = checked_product(fields.integer("window"), fields.integer("in_features"));
  size.is_linear = true;
  size.input_elements = size.length;
  walk_weights(fields, builder, size);
  const int64_t bits = fields.integer("gate_bits");
  builder.function(*function_cost("tanh"), hidden, bits, bits);
  builder.function(*function_cost("sigmoid"), checked_product(gates, hidden), bits, bits);
  const int64_t mults = pooling == "f" ? 2 : 3;
  builder.op(What::elementwise_mult, checked_product(mults, hidden), bits, "R16 R18",
             fmt::format("{} x {}: f c, {} z{}", mults, hidden, pooling == "ifo" ? "i" : "(1 - f)",
                         mults == 3 ? " and o c" : ""));
  const int64_t adds = pooling == "ifo" ? 1 : 2;
  builder.op(What::residual_add, checked_product(adds, hidden), bits, "R16 R18",
             fmt::format("{} x {}: the sum{}", adds, hidden, adds == 2 ? " and 1 - f" : ""));
  return {};
}

}  // namespace

std::vector<LayerKind> language_kinds() {
  const FieldGroup dots = joined({weight_fields(), input_fields(), accumulator_fields(), output_fields()});
  const FieldSpec gate = width_field("gate_bits", "width of the gates' operations");
  const FieldSpec positions = {"positions", T::integer, "how often per example", "1", false, {}, 1};
  return {
      {"embedding", "a table: stored, looked up without operations; scales: one multiply per feature",
       joined({{required_integer("vocabulary", "rows"), required_integer("features", "columns")},
               weight_fields(),
               {{"scales", T::integer, "stored quantization scales: rows, or 1", "0"},
                owned_by("scales", width_field("scale_bits", "bits of a stored scale")),
                owned_by("scales", {"scale_mult_bits",
                                    T::integer,
                                    "width of its multiply; 0: folded elsewhere",
                                    "32",
                                    false,
                                    {},
                                    0,
                                    64})}}),
       embedding},
      {"softmax",
       "n exponentials, n - 1 additions, n divisions; stable: n - 1 comparisons and n subtractions more",
       {required_integer("classes", "n"),
        positions,
        width_field("bits", "width"),
        {"stable", T::boolean, "the maximum is found and subtracted", "false"}},
       softmax},
      {"layer_norm",
       "d features at 32 bits: mean d, subtraction d, squares d, variance d, epsilon 1, reciprocal root 1, multiply d, "
       "gain d, offset d",
       {required_integer("features", "d"),
        positions,
        {"gain", T::boolean, "not folded elsewhere", "true"},
        {"offset", T::boolean, "not folded elsewhere", "true"},
        width_field("value_bits", "bits of a stored gain or offset")},
       layer_norm},
      {"lstm",
       "4 h dot products of in + h, 3 h sigmoids, 2 h tanh, 3 h multiplies, h additions; projected: in + projected",
       joined({{required_integer("in_features", "inputs"),
                required_integer("hidden_features", "h"),
                {"projected_features", T::integer, "of the recurrent input, where it is projected", "", false, {}, 1},
                gate},
               dots}),
       lstm},
      {"qrnn",
       "window x in wide dot products: h candidates (tanh) and h per gate (sigmoid); f: 2 h multiplies, 2 h additions; "
       "fo: 3 h and 2 h; ifo: 3 h and h",
       joined({{required_integer("in_features", "inputs"),
                required_integer("hidden_features", "h"),
                {"window", T::integer, "tokens that are read", "2", false, {}, 1, 1 << 16},
                {"pooling", T::choice, "gates", "\"fo\"", false, {"f", "fo", "ifo"}},
                gate},
               dots}),
       qrnn},
  };
}

}  // namespace carat
