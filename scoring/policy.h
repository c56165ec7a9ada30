// SPDX-License-Identifier: Apache-2.0
// Ways of counting, as data. The default is the strict policy; every other one is a list of differences from it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "scoring/walk.h"

namespace carat {

// Which accumulator is charged: the declared one, or a convention of an entry.
enum class AccumulatorRule {
  declared,
  tree,              // adder tree wherever operands are integers
  fixed_by_length,   // floor(log2((2^a - 1)(2^(a-1) - 1) K)) + 1 bits
  fixed_by_largest,  // the result width of the tree of the layer's largest kernel
  fixed_16,          // the same, at most 16 bits
  float16,
  float32,
};

// Additions of a floating-point dot product with Z nonzeros in C kernels of length K, at S positions.
enum class FloatAdds {
  exact,          // S * sum of max(z - 1, 0)
  minus_outputs,  // S * (Z - C)
  density,        // S * Z * (K - 1) / K
  as_mults,       // S * Z
};

enum class PoolRule {
  exact,      // k * k - 1 additions and one multiply
  edge,       // k - 1 additions and one multiply
  per_input,  // one addition for every input element
};

enum class MaskRule {
  stored,       // as the network stores it
  per_nonzero,  // one bit for every nonzero weight, also of dense tensors
  none,
};

struct Policy {
  std::string name;
  std::string help;
  std::string source;

  bool is_freebie = false;                // 16-bit parameters and multiplies without quantizing, R13 R19
  std::optional<int64_t> parameter_bits;  // one width for every stored value
  std::optional<int64_t> mult_bits;       // for every multiply
  std::optional<int64_t> add_bits;        // for every addition
  AccumulatorRule accumulator = AccumulatorRule::declared;
  FloatAdds float_adds = FloatAdds::exact;
  bool divides_fixed_float_adds_twice = false;  // first convolution's additions / 32 once more
  bool counts_zero_weights = false;             // operations of pruned weights are charged
  PoolRule pool = PoolRule::exact;
  std::map<What, int64_t> widths;       // instead of the declared width
  std::set<What> free_operations;       // not charged
  std::set<Stored> free_tensors;        // not charged
  bool has_one_channel_scales = false;  // a Scale layer's parameters are charged for one channel
  bool has_free_linear_bias = false;    // a linear layer's bias is stored, its addition is not charged
  MaskRule mask = MaskRule::stored;
  int64_t layer_norm_ops = 0;         // per element; 0: every operation of the formula
  std::set<std::string> known_kinds;  // empty: all
};

// strict first.
const std::vector<Policy>& policies();
// Throws Error with the nearest name.
const Policy& policy_named(const std::string& name);

struct Deviation {
  std::string rule;
  std::string text;
};
// How a policy differs from strict, derived from its data.
std::vector<Deviation> deviations(const Policy& policy);

// carat policies: names and help; carat policies NAME: its deviations, each with the text of its rule.
std::string policies_text();
std::string policy_text(const Policy& policy);

}  // namespace carat
