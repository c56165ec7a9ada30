// SPDX-License-Identifier: Apache-2.0
// What a policy charges for a walk: rows with count, width, formula and rule, in exact numbers.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "scoring/cost.h"
#include "scoring/policy.h"
#include "scoring/walk.h"

namespace carat {

enum class Part { ops, params };

struct Row {
  Part part = Part::ops;
  std::string layer;
  std::string kind;
  std::string what;
  Cost cost = Cost::weights;
  Ratio count;
  int64_t bits = 32;
  std::string formula;
  std::string rule;

  Ratio total_bits() const { return count * Ratio(bits); }
};

struct Ledger {
  std::vector<Row> rows;

  Ratio op_bits() const { return total(Part::ops); }
  Ratio storage_bits() const { return total(Part::params); }
  // Storage that a packed file holds: all but the matrices of channel permutations, which R23 charges although the
  // network's description says them.
  Ratio held_bits() const;
  Ratio total(Part part) const;
};

// Throws Error where the policy refuses the network: the freebie on a quantized one, a kind the script does not know.
Ledger charge(const Walk& walk, const Policy& policy);

// Additions of a tree that sums n products of width bits: levels of {width, additions}; an odd one is carried up free.
// Source: MicroNet Challenge, RIAIR entry, accepted in verification (O6).
std::map<int64_t, int64_t> adder_tree(int64_t n, int64_t bits);
// Width of that tree's result: bits + ceil(log2 n).
int64_t tree_result_bits(int64_t n, int64_t bits);

}  // namespace carat
