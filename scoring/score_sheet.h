// SPDX-License-Identifier: Apache-2.0
// What is handed in: totals, normalised score, accuracy, gate, and every row behind them.
#pragma once

#include <string>

#include "scoring/ledger.h"
#include "scoring/track.h"

namespace carat {

struct ScoreSheet {
  std::string network;
  Track track;
  int64_t correct = 0;
  int64_t total = 0;
  Ledger ledger;
  int64_t storage_bits = 0;
  int64_t op_bits = 0;

  // Bits / 32 over the track's normaliser, R1.
  double parameter_score() const;
  double op_score() const;
  double score() const { return parameter_score() + op_score(); }
  // correct / total >= gate_correct / gate_total, in integers; false without test images. R6, R7.
  bool passes_gate() const;
};

ScoreSheet make_sheet(const ModelGraph& graph, const KernelNonzeros& nonzeros, const Track& track, int64_t correct,
                      int64_t total);

// The same sheet gives the same bytes: no dates, no times.
std::string to_markdown(const ScoreSheet& sheet);
std::string to_csv(const ScoreSheet& sheet);
std::string to_json(const ScoreSheet& sheet);

}  // namespace carat
