// SPDX-License-Identifier: Apache-2.0
// Every operation and every stored value of a network as rows with the rule that made them, in exact integers.
// The strict policy of docs/scoring_rules.md.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "models/graph/graph.h"

namespace carat {

// True nonzero weights of every kernel (output channel), by layer.
using KernelNonzeros = std::map<std::string, std::vector<int64_t>>;

struct OpRow {
  std::string layer;
  std::string what;   // "mult", "add", "bias add" ...
  int64_t count = 0;  // per image
  int64_t bits = 32;  // width of the wider operand, R18
  std::string rule;

  int64_t bit_ops() const { return count * bits; }
};

struct StorageRow {
  std::string layer;
  std::string tensor;  // "weight values", "weight mask", "scale" ...
  int64_t count = 0;
  int64_t bits = 32;
  std::string rule;

  int64_t total_bits() const { return count * bits; }
};

struct Ledger {
  std::vector<OpRow> ops;
  std::vector<StorageRow> storage;

  int64_t op_bits() const;
  int64_t storage_bits() const;
};

Ledger count_network(const ModelGraph& graph, const KernelNonzeros& nonzeros);

// Every weight nonzero.
KernelNonzeros dense_counts(const ModelGraph& graph);

// Additions of a tree that sums n products of width bits: levels of {width, additions}; an odd one is carried up free.
std::map<int64_t, int64_t> adder_tree(int64_t n, int64_t bits);

}  // namespace carat
