// SPDX-License-Identifier: Apache-2.0
// The tables of fields of everything that has weights, inputs and sums.
#include "scoring/kind_fields.h"

namespace carat {
namespace {

using T = FieldType;

const std::vector<std::string> kCodebook = {"\"codebook\""};

// One way of saying how many weights are kept.
FieldSpec counted(FieldSpec field) {
  field.group = "kept";
  return field;
}

}  // namespace

FieldGroup weight_fields() {
  return {
      width_field("weight_bits", "bits of a stored weight; of an index with a codebook"),
      {"weight_encoding",
       T::choice,
       "binary: {-1, +1}, 1 bit; ternary: {-1, 0, +1}, 1 bit under a bit mask, else 2; codebook: indices into shared "
       "values",
       "\"plain\"",
       false,
       {"plain", "binary", "ternary", "codebook"}},
      counted({"nonzeros_per_kernel", T::integers, "true nonzero weights of every output channel"}),
      counted({"nonzeros", T::integer, "true nonzero weights of the tensor, spread evenly over the kernels"}),
      counted({"sparsity", T::number, "declared share of zeros, 0 to 1; needs a sparsity_mode", "", false, {}, 0, 1}),
      owned_by("sparsity",
               {"sparsity_mode",
                T::choice,
                "K weights per kernel, N in all, s zeros, halves rounded up. uniform: round(K (1 - s)) per kernel, as "
                "many stored; real: round(N (1 - s)) in all, spread evenly; floor: floor(K (1 - s)) executed, N (1 - "
                "s) stored; fractional: K (1 - s) executed without rounding, N (1 - s) stored, not in an adder tree",
                "",
                false,
                {"uniform", "real", "floor", "fractional"}}),
      {"mask",
       T::choice,
       "bit: nonzeros and one bit per weight (usual when there are zeros); block: one bit per block (usual with "
       "kept_blocks); none: every weight is stored (usual when there are none)",
       "",
       false,
       {"bit", "block", "none"}},
      owned_by("kept_blocks", {"block",
                               T::extent,
                               "[kernels, weights of a kernel] of a block; blocks at an edge may be partial",
                               "",
                               false,
                               {},
                               1,
                               1 << 20}),
      counted(owned_by("block", {"kept_blocks", T::counts,
                                 "blocks that are stored and executed in full, one mask bit per block (R12): one "
                                 "number for every row of blocks, or their sum, spread evenly over the rows"})),
      owned_by("weight_encoding", {"codebook_entries", T::integer, "values of a codebook", "", false, {}, 2},
               kCodebook),
      owned_by("weight_encoding", width_field("codebook_entry_bits", "width of such a value: the multiply's operand"),
               kCodebook),
      owned_by("weight_encoding", {"codebooks", T::integer, "codebooks that are stored", "1", false, {}, 1}, kCodebook),
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
      {"mult_bits",
       T::integer,
       "declared width of the multiplies; 0: the wider operand (R18), 1 bit where R20 holds",
       "0",
       false,
       {},
       0,
       64},
  };
}

FieldGroup accumulator_fields() {
  return {
      {"accumulator",
       T::choice,
       "auto: tree for codes, for floats a float sum of 32 bits or of the widest operand; tree: exact growing adder "
       "tree, base width weight (codebook: entry) + input bits, less one unless inputs are unsigned; fixed: integer "
       "register of accumulator_bits",
       "\"auto\"",
       false,
       {"auto", "tree", "float32", "float16", "fixed"}},
      owned_by("accumulator", {"accumulator_bits", T::integer, "width of a fixed accumulator", "", false, {}, 1, 64},
               {"\"fixed\""}),
  };
}

FieldGroup output_fields() {
  return {
      {"bias", T::boolean, "one addition per output, one stored value per kernel", "false"},
      owned_by("bias", width_field("bias_bits", "bits of a stored bias")),
      owned_by("bias", width_field("bias_add_bits", "width of the bias addition")),
      owned_by("bias", {"bias_nonzeros", T::integer, "pruned biases: stored with a mask, zero ones are not added"}),
      {"scales", T::integer, "stored quantization scales: kernels, or 1", "0"},
      owned_by("scales", width_field("scale_bits", "bits of a stored scale")),
      owned_by("scales", {"scale_mult_bits",
                          T::integer,
                          "width of one multiply per output by the scale; 0: folded elsewhere",
                          "32",
                          false,
                          {},
                          0,
                          64}),
      {"weight_zero_points", T::integer,
       "stored zero points of the weights, kernels or 1: window sums, one multiply and one subtraction per output are "
       "charged",
       "0"},
      owned_by("weight_zero_points", width_field("weight_zero_point_bits", "bits of such a zero point", 8)),
      owned_by(
          "input_type",
          {"input_zero_point_bits", T::integer, "the inputs have a zero point of so many bits", "", false, {}, 1, 64},
          {"\"signed\"", "\"unsigned\"", "\"sign_magnitude\""}),
      owned_by("input_zero_point_bits", {"input_zero_point_folded", T::boolean,
                                         "true: folded into the bias; false: subtracted from every input, which makes "
                                         "the multiply's operand one bit wider and signed",
                                         "true"}),
  };
}

}  // namespace carat
