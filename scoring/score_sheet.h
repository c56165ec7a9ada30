// SPDX-License-Identifier: Apache-2.0
// What is handed in: totals, normalised score, accuracy, gate, and every row behind them.
#pragma once

#include <string>

#include "scoring/graph_walk.h"
#include "scoring/ledger.h"
#include "scoring/track.h"

namespace carat {

struct ScoreSheet {
  std::string network;
  Track track;
  std::string policy;
  Accuracy accuracy;
  Ledger ledger;
  Ratio param_bits;
  Ratio bit_ops;
  std::vector<std::string> notes;

  // Bits / 32 over the track's normaliser, R1: the only floating-point divisions.
  double parameter_score() const { return params() / static_cast<double>(track.parameter_norm); }
  double op_score() const { return ops() / static_cast<double>(track.op_norm); }
  double score() const { return parameter_score() + op_score(); }
  double params() const { return param_bits.to_double() / 32.0; }
  double ops() const { return bit_ops.to_double() / 32.0; }
  Gate gate() const { return check_gate(track, accuracy); }
};

ScoreSheet make_sheet(const Walk& walk, const Policy& policy, const Track& track, const Accuracy& accuracy);
// Of a Carat network under the strict policy.
ScoreSheet make_sheet(const ModelGraph& graph, const KernelNonzeros& nonzeros, const Track& track, int64_t correct,
                      int64_t total);

// Rows alone, strict policy.
Ledger count_network(const ModelGraph& graph, const KernelNonzeros& nonzeros);

// The same sheet gives the same bytes: no dates, no times.
// At most 100 columns; layers: rows of the table by layer, the dearest first (0: all).
std::string to_text(const ScoreSheet& sheet, int64_t layers = 12);
std::string to_markdown(const ScoreSheet& sheet);
std::string to_csv(const ScoreSheet& sheet);
// policy, track, params, ops, param_bits, bit_ops, score, accuracy, gate, rows and more; docs/scoring_rules.md.
std::string to_json(const ScoreSheet& sheet);

// Every row of one layer: formula with numbers put in, rule and its text. Throws Error with the nearest name.
std::string explain(const ScoreSheet& sheet, const std::string& layer);

// Where the score went from one sheet to another, row by row. Both are JSON as to_json writes it.
std::string diff(const std::string& json_a, const std::string& name_a, const std::string& json_b,
                 const std::string& name_b, int64_t rows);

}  // namespace carat
