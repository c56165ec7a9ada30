// SPDX-License-Identifier: Apache-2.0
// Appends steps and tensors to a walk, layer by layer: the one place where formulas become text.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "scoring/walk.h"

namespace carat {

// Operations of an activation function per element. Source: docs/scoring_rules.md, "Activation functions".
struct FunctionCost {
  std::string name;
  int64_t mults = 0;
  int64_t adds = 0;
  int64_t transcendentals = 0;
  std::string formula;
};
const std::vector<FunctionCost>& function_costs();
// nullptr for a name that is none.
const FunctionCost* function_cost(const std::string& name);

class WalkBuilder {
 public:
  explicit WalkBuilder(Walk& walk) : walk_(walk) {}

  // Everything after this belongs to the layer; share: of the examples that execute it, R15.
  void begin(const std::string& layer, const std::string& kind, const Ratio& share = 1);

  void dots(DotProducts dots, bool inputs_are_quantized);
  // Nothing for a count of zero. formula: "" gives the count itself.
  void op(What what, const Ratio& count, int64_t bits, const std::string& rule, const std::string& formula = "");
  // Of the operation before: what it would be were pruned values executed too.
  void dense_count(const Ratio& count);
  void pool(const AveragePool& pool);
  void layer_norm(const LayerNorm& norm);
  void function(const FunctionCost& cost, int64_t elements, int64_t mult_bits, int64_t add_bits);
  // Exponentials, their sum and the divisions: 3 n - 1 at 32 bits; stable: the maximum is found and subtracted before.
  void softmax(int64_t classes, int64_t positions, int64_t bits, bool is_stable);

  // Channels that change places, as R23 counts them; value_bits: of the matrix's ones.
  void permutation(int64_t channels, int64_t elements, int64_t value_bits, int64_t mult_bits);

  void store(Stored what, int64_t elements, int64_t bits);
  void store(StoredTensor tensor);
  // Once, however often it is said.
  void note(const std::string& text);
  // "layer a: text", or "layer a and 3 more: text".
  void note_layer(const std::string& text);

 private:
  struct LayerNote {
    size_t index = 0;  // in the walk's notes
    std::string first;
    int64_t more = 0;
  };

  void reduced_width(int64_t bits, const std::string& what);

  Walk& walk_;
  std::string layer_;
  std::string kind_;
  Ratio share_ = 1;
  int64_t kernels_ = 0;
  std::set<std::string> noted_;
  std::map<std::string, LayerNote> layer_notes_;
};

}  // namespace carat
