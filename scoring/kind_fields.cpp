// SPDX-License-Identifier: Apache-2.0
#include "scoring/kind_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace carat {
namespace {

using T = FieldType;

// What is kept of kernels x length weights.
struct Kept {
  std::vector<int64_t> per_kernel;
  bool is_fractional = false;
  Ratio products;  // per kernel, fractional
  Ratio nonzeros;  // of the tensor
  bool is_sparse = false;
};

std::vector<int64_t> spread_evenly(int64_t total, int64_t kernels) {
  std::vector<int64_t> counts(static_cast<size_t>(kernels), total / kernels);
  for (int64_t i = 0; i < total % kernels; ++i) ++counts[static_cast<size_t>(i)];
  return counts;
}

Kept by_sparsity(const Fields& fields, int64_t kernels, int64_t length) {
  const Ratio density = Ratio(1) - fields.number("sparsity");
  if (!fields.has("sparsity_mode"))
    fields.refuse("sparsity", "a declared sparsity needs a 'sparsity_mode': uniform, real, floor or fractional");
  const std::string mode = fields.text("sparsity_mode");
  const Ratio elements = checked_product(kernels, length);
  Kept kept;
  kept.is_sparse = !(density == Ratio(1));
  if (mode == "uniform") {
    kept.per_kernel.assign(static_cast<size_t>(kernels), (density * Ratio(length)).rounded());
    kept.nonzeros = Ratio(kernels) * Ratio(kept.per_kernel.front());
  } else if (mode == "real") {
    const int64_t total = (density * elements).rounded();
    kept.per_kernel = spread_evenly(total, kernels);
    kept.nonzeros = total;
  } else if (mode == "floor") {
    kept.per_kernel.assign(static_cast<size_t>(kernels), (density * Ratio(length)).floor());
    kept.nonzeros = density * elements;
  } else {
    kept.is_fractional = true;
    kept.products = density * Ratio(length);
    kept.nonzeros = density * elements;
  }
  return kept;
}

Kept by_blocks(const Fields& fields, int64_t kernels, int64_t length) {
  const auto [height, width] = fields.extent("block");
  const int64_t blocks = checked_product((kernels + height - 1) / height, (length + width - 1) / width);
  const int64_t count = fields.integer("kept_blocks");
  fields.require(count <= blocks, "kept_blocks", fmt::format("{} blocks kept of {}", count, blocks));
  fields.require(kernels % height == 0 && length % width == 0, "block",
                 fmt::format("blocks of {}x{} do not tile {} kernels x {} weights", height, width, kernels, length));
  Kept kept;
  const int64_t total = checked_product(count, height * width);
  kept.per_kernel = spread_evenly(total, kernels);
  kept.nonzeros = total;
  kept.is_sparse = true;
  return kept;
}

Kept read_kept(const Fields& fields, int64_t kernels, int64_t length) {
  constexpr int64_t kMostKernels = 10000000;
  fields.require(kernels <= kMostKernels, "name", fmt::format("{} kernels, at most {}", kernels, kMostKernels));
  const int64_t elements = checked_product(kernels, length);
  int given = 0;
  for (const char* name : {"nonzeros_per_kernel", "nonzeros", "sparsity", "kept_blocks"})
    given += fields.has(name) ? 1 : 0;
  if (given > 1) fields.refuse("give one of nonzeros_per_kernel, nonzeros, sparsity and kept_blocks");
  if (fields.has("sparsity")) return by_sparsity(fields, kernels, length);
  if (fields.has("kept_blocks")) return by_blocks(fields, kernels, length);
  Kept kept;
  if (fields.has("nonzeros_per_kernel")) {
    kept.per_kernel = fields.integers("nonzeros_per_kernel");
    fields.require(static_cast<int64_t>(kept.per_kernel.size()) == kernels, "nonzeros_per_kernel",
                   fmt::format("expected {} counts, one per kernel, got {}", kernels, kept.per_kernel.size()));
    int64_t total = 0;
    for (const int64_t count : kept.per_kernel) {
      fields.require(count <= length, "nonzeros_per_kernel",
                     fmt::format("a kernel has {} weights, {} nonzeros do not fit", length, count));
      total += count;
    }
    kept.nonzeros = total;
  } else {
    const int64_t total = fields.has("nonzeros") ? fields.integer("nonzeros") : elements;
    fields.require(total <= elements, "nonzeros",
                   fmt::format("the tensor has {} weights, got {} nonzeros", elements, total));
    kept.per_kernel = spread_evenly(total, kernels);
    kept.nonzeros = total;
  }
  kept.is_sparse = kept.nonzeros < Ratio(elements);
  return kept;
}

struct Encoding {
  int64_t stored_bits = 32;
  int64_t factor_bits = 32;
  bool is_sign = false;  // weights in {-1, +1}
};

Encoding read_encoding(const Fields& fields, bool has_mask) {
  const std::string name = fields.text("weight_encoding");
  const int64_t bits = fields.integer("weight_bits");
  if (name == "plain") return {bits, bits, false};
  if (name == "codebook") {
    const int64_t entries = fields.integer("codebook_entries");
    fields.require(entries >= 2, "codebook_entries", "a codebook needs at least 2 entries");
    const auto index_bits = static_cast<int64_t>(std::bit_width(static_cast<uint64_t>(entries - 1)));
    fields.require(!fields.has("weight_bits") || bits >= index_bits, "weight_bits",
                   fmt::format("indices into {} entries need {} bits, got {}", entries, index_bits, bits));
    return {fields.has("weight_bits") ? bits : index_bits, fields.integer("codebook_entry_bits"), false};
  }
  const int64_t needed = name == "ternary" && !has_mask ? 2 : 1;
  fields.require(!fields.has("weight_bits") || bits == needed, "weight_bits",
                 fmt::format("{} weights are stored in {} bits, got {}", name, needed, bits));
  return {needed, 1, true};
}

StoredTensor stored_weights(const Fields& fields, const Kept& kept, int64_t kernels, int64_t length) {
  StoredTensor tensor;
  tensor.elements = checked_product(kernels, length);
  tensor.nonzeros = tensor.values = kept.nonzeros;
  std::string mask = kept.is_sparse ? "bit" : "none";
  if (fields.has("kept_blocks")) mask = "block";
  if (fields.has("mask")) mask = fields.text("mask");
  fields.require(mask != "block" || fields.has("kept_blocks"), "mask", "a block mask needs 'block' and 'kept_blocks'");
  if (mask == "bit") tensor.mask_bits = tensor.elements;
  if (mask == "none") tensor.values = tensor.elements;
  if (mask == "block") {
    const auto [height, width] = fields.extent("block");
    tensor.mask_bits = kernels / height * (length / width);
    tensor.mask_rule = "R12";
  }
  return tensor;
}

void walk_output(const Fields& fields, WalkBuilder& builder, const WeightSize& size) {
  const int64_t outputs = checked_product(size.kernels, size.positions);
  if (const int64_t scales = fields.integer("scales"); scales > 0) {
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

void walk_zero_points(const Fields& fields, WalkBuilder& builder, const WeightSize& size, const DotProducts& dots) {
  if (const int64_t points = fields.integer("weight_zero_points"); points > 0) {
    const int64_t bits = fields.integer("weight_zero_point_bits");
    builder.store(Stored::zero_point, points, bits);
    const int64_t width = tree_width(size.length, dots.input_bits);
    const int64_t windows = checked_product(size.groups, size.positions);
    const int64_t outputs = checked_product(size.kernels, size.positions);
    const bool is_tree = dots.accumulator.kind == Accumulator::Kind::tree;
    const int64_t sum_bits = is_tree ? tree_width(size.length, dots.product_bits()) : dots.accumulator.bits;
    builder.op(What::zero_point, checked_product(size.length - 1, windows), width, "R9 R16 R18",
               fmt::format("sum of the {} inputs of {} windows", size.length, windows));
    builder.op(What::zero_point, outputs, std::max(width, bits), "R9 R16 R18",
               fmt::format("that sum times the zero point: {} outputs", outputs));
    builder.op(What::zero_point, outputs, std::max(width + bits, sum_bits), "R9 R16 R18",
               fmt::format("subtracted from the dot product: {} outputs", outputs));
  }
  if (!fields.has("input_zero_point_bits")) return;
  const int64_t bits = fields.integer("input_zero_point_bits");
  builder.store(Stored::zero_point, 1, bits);
  if (!fields.flag("input_zero_point_folded"))
    builder.op(What::zero_point, size.input_elements, std::max(bits, dots.input_bits), "R9 R16 R18",
               fmt::format("subtracted from each of {} inputs", size.input_elements));
}

}  // namespace

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

FieldGroup weight_fields() {
  return {
      width_field("weight_bits", "bits of a stored weight; of an index with a codebook"),
      {"weight_encoding",
       T::choice,
       "binary: {-1, +1}; ternary: {-1, 0, +1}; codebook: indices into shared values",
       "\"plain\"",
       false,
       {"plain", "binary", "ternary", "codebook"}},
      {"nonzeros_per_kernel", T::integers, "true nonzero weights of every output channel"},
      {"nonzeros", T::integer, "true nonzero weights of the tensor, spread evenly over the kernels"},
      {"sparsity", T::number, "declared share of zeros, 0 to 1; needs a sparsity_mode", "", false, {}, 0, 1},
      {"sparsity_mode",
       T::choice,
       "K weights per kernel, N in all, s zeros. uniform: round(K (1 - s)) per kernel, as many stored; real: round(N "
       "(1 - "
       "s)) in all, spread evenly; floor: floor(K (1 - s)) executed, N (1 - s) stored; fractional: K (1 - s) executed "
       "without rounding, N (1 - s) stored",
       "",
       false,
       {"uniform", "real", "floor", "fractional"}},
      {"mask",
       T::choice,
       "bit: nonzeros and one bit per weight (usual when there are zeros); block: see kept_blocks; "
       "none: every weight is stored (usual when there are none)",
       "",
       false,
       {"bit", "block", "none"}},
      {"block", T::extent, "[kernels, weights of a kernel] of a block", "[1, 1]", false, {}, 1, 1 << 20},
      {"kept_blocks", T::integer, "blocks that are stored and executed in full, one mask bit per block (R12)"},
      {"codebook_entries", T::integer, "values of a codebook", "0"},
      width_field("codebook_entry_bits", "width of such a value: the multiply's operand"),
      {"codebooks", T::integer, "codebooks that are stored", "1"},
      {"tied", T::boolean, "the weights are stored by another layer", "false"},
  };
}

FieldGroup input_fields() {
  return {
      width_field("input_bits", "width of the activations that are multiplied"),
      {"input_type",
       T::choice,
       "float, or codes: signed (two's complement), unsigned, sign_magnitude",
       "\"float\"",
       false,
       {"float", "signed", "unsigned", "sign_magnitude"}},
      {"mult_bits", T::integer, "declared width of the multiplies; 0: the wider operand (R18)", "0", false, {}, 0, 64},
  };
}

FieldGroup accumulator_fields() {
  return {
      {"accumulator",
       T::choice,
       "auto: tree for codes, float32 for floats; tree: exact growing adder tree, base width weight + input bits, less "
       "one unless inputs are unsigned; fixed: integer register of accumulator_bits",
       "\"auto\"",
       false,
       {"auto", "tree", "float32", "float16", "fixed"}},
      {"accumulator_bits", T::integer, "width of a fixed accumulator", "", false, {}, 1, 64},
  };
}

FieldGroup output_fields() {
  return {
      {"bias", T::boolean, "one addition per output, one stored value per kernel", "false"},
      width_field("bias_bits", "bits of a stored bias"),
      width_field("bias_add_bits", "width of the bias addition"),
      {"bias_nonzeros", T::integer, "pruned biases: stored with a mask, zero ones are not added"},
      {"scales", T::integer, "stored quantization scales: kernels, or 1", "0"},
      width_field("scale_bits", "bits of a stored scale"),
      {"scale_mult_bits",
       T::integer,
       "width of one multiply per output by the scale; 0: folded elsewhere",
       "32",
       false,
       {},
       0,
       64},
      {"weight_zero_points", T::integer,
       "stored zero points of the weights: window sums, one multiply and one "
       "subtraction per output are charged",
       "0"},
      width_field("weight_zero_point_bits", "bits of such a zero point", 8),
      {"input_zero_point_bits", T::integer, "the inputs have a zero point of so many bits", "", false, {}, 1, 64},
      {"input_zero_point_folded", T::boolean, "true: folded into the bias; false: subtracted from every input", "true"},
  };
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
  fields.require((accumulator == "fixed") == fields.has("accumulator_bits"), "accumulator_bits",
                 "accumulator_bits belongs to the accumulator 'fixed'");
  using Kind = Accumulator::Kind;
  dots.accumulator = accumulator == "tree"      ? Accumulator{Kind::tree, 0}
                     : accumulator == "float16" ? Accumulator{Kind::floating, 16}
                     : accumulator == "float32" ? Accumulator{Kind::floating, 32}
                                                : Accumulator{Kind::fixed, fields.integer("accumulator_bits")};
}

void store_weights(const Fields& fields, WalkBuilder& builder, int64_t kernels, int64_t length) {
  if (fields.flag("tied")) return;
  const Kept kept = read_kept(fields, kernels, length);
  StoredTensor tensor = stored_weights(fields, kept, kernels, length);
  tensor.bits = read_encoding(fields, tensor.mask_bits > 0).stored_bits;
  builder.store(std::move(tensor));
  if (fields.text("weight_encoding") == "codebook")
    builder.store(Stored::codebook, checked_product(fields.integer("codebook_entries"), fields.integer("codebooks")),
                  fields.integer("codebook_entry_bits"));
}

void walk_weights(const Fields& fields, WalkBuilder& builder, const WeightSize& size) {
  Kept kept = read_kept(fields, size.kernels, size.length);
  DotProducts dots;
  dots.kernels = size.kernels;
  dots.length = size.length;
  dots.positions = size.positions;
  dots.is_linear = size.is_linear;
  dots.is_fractional = kept.is_fractional;
  dots.products = kept.products;
  dots.per_kernel = std::move(kept.per_kernel);
  read_operands(fields, dots);
  const bool has_mask = fields.has("mask") ? fields.text("mask") != "none" : kept.is_sparse;
  const Encoding encoding = read_encoding(fields, has_mask);
  dots.weight_bits = encoding.stored_bits;
  dots.factor_bits = encoding.factor_bits;
  dots.is_sign_flip =
      encoding.is_sign && (dots.input_type == NumberType::floating || dots.input_type == NumberType::sign_magnitude);
  if (fields.has("nonzeros") && !fields.has("nonzeros_per_kernel") && kept.is_sparse)
    builder.note("nonzeros of some layers are given for the whole tensor and spread evenly over its kernels");
  if (dots.on_integers() && dots.accumulator.kind == Accumulator::Kind::fixed && !dots.per_kernel.empty()) {
    const int64_t largest = *std::max_element(dots.per_kernel.begin(), dots.per_kernel.end());
    if (const int64_t needed = tree_width(largest, dots.product_bits()); dots.accumulator.bits < needed)
      builder.note(
          fmt::format("an accumulator of {} bits is declared where an exact sum needs {}: its kernels must "
                      "really be narrow (R25)",
                      dots.accumulator.bits, needed));
  }
  store_weights(fields, builder, size.kernels, size.length);
  const DotProducts copy = dots;
  builder.dots(std::move(dots), true);
  walk_zero_points(fields, builder, size, copy);
  walk_output(fields, builder, size);
}

}  // namespace carat
