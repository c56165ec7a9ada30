// SPDX-License-Identifier: Apache-2.0
// What a network does and stores for one example, before anybody decides what it costs: the input of every policy.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/ratio.h"

namespace carat {

enum class NumberType { floating, signed_integer, unsigned_integer, sign_magnitude };

// How a dot product is summed. tree: exact integers in a growing adder tree; fixed: an integer register of bits;
// floating: an IEEE sum of bits.
struct Accumulator {
  enum class Kind { tree, fixed, floating };
  Kind kind = Kind::floating;
  int64_t bits = 32;

  bool operator==(const Accumulator&) const = default;
};

// Kinds of single operations; what_name gives the word of the sheet.
enum class What {
  mult,
  add,
  bias_add,
  scale_mult,
  norm_mult,
  norm_add,
  residual_add,
  elementwise_mult,
  pool_add,
  pool_mult,
  comparison,
  relu,
  function_mult,
  function_add,
  transcendental,
  lookup,
  permutation,
  zero_point,
  conversion,
  bitwise,
};
const char* what_name(What what);
// Multiplies, divides and what the official script counts as such.
bool is_multiply(What what);

// kernels x positions dot products of length weights by inputs; only nonzero weights are executed.
struct DotProducts {
  std::vector<int64_t> per_kernel;  // products of one dot product, by kernel; empty when fractional
  bool is_fractional = false;
  Ratio products;       // fractional: products of every dot product
  int64_t kernels = 0;  // output channels
  int64_t length = 0;   // weights of one kernel, zeros included
  int64_t positions = 1;
  int64_t weight_bits = 32;  // as stored
  int64_t factor_bits = 32;  // of the number that is multiplied: a codebook entry's, 1 for binary and ternary
  int64_t input_bits = 32;
  NumberType input_type = NumberType::floating;
  bool is_sign_flip = false;  // weights in {-1, +1} on inputs with a sign bit of their own, R20
  bool has_weights = true;    // false: activations by activations
  bool is_linear = false;     // fully connected
  int64_t mult_bits = 0;      // declared width of the multiply; 0: the wider operand, R18
  Accumulator accumulator;    // as executed

  bool on_integers() const { return input_type != NumberType::floating; }
  // Width of a product of integers: both widths, less one when the inputs are signed.
  int64_t product_bits() const {
    return factor_bits + input_bits - (input_type == NumberType::unsigned_integer ? 0 : 1);
  }
  // Products of all kernels at one position.
  Ratio total() const;
};

// count operations of one kind on operands of bits.
struct Elementwise {
  What what = What::mult;
  Ratio count;
  Ratio dense_count;  // were pruned values executed too
  int64_t bits = 32;
  std::string formula;  // with numbers put in
  std::string rule;
};

// windows means over window_height x window_width values.
struct AveragePool {
  int64_t windows = 0;
  int64_t window_height = 1;
  int64_t window_width = 1;
  int64_t inputs = 0;  // elements that are read
  int64_t add_bits = 32;
  int64_t mult_bits = 32;
};

// positions normalisations over features values.
struct LayerNorm {
  int64_t features = 0;
  int64_t positions = 1;
  bool has_gain = true;
  bool has_offset = true;
};

struct Step {
  std::string layer;
  std::string kind;
  std::variant<DotProducts, Elementwise, AveragePool, LayerNorm> work;
  Ratio share = 1;  // of the examples that execute it, R15
};

enum class Stored {
  weights,
  bias,
  scale,
  scale_bias,
  norm_scale,
  norm_bias,
  zero_point,
  codebook,
  table,
  permutation,
  other
};
const char* stored_name(Stored stored);

struct StoredTensor {
  std::string layer;
  std::string kind;
  Stored what = Stored::weights;
  int64_t elements = 0;
  Ratio values;           // that are stored
  Ratio nonzeros;         // of the elements
  int64_t bits = 32;      // of a value
  int64_t mask_bits = 0;  // 0: no mask
  std::string mask_rule = "R11";
};

struct Walk {
  std::string network;
  std::string track;  // "" when the input does not say
  std::vector<Step> steps;
  std::vector<StoredTensor> tensors;
  std::string quantized;           // the first thing below 16 bits, "" when there is none
  std::string half_precision;      // the first thing of 16 to 31 bits
  std::vector<std::string> notes;  // assumptions that a reader must know
};

}  // namespace carat
