// SPDX-License-Identifier: Apache-2.0
// Competition tracks: normaliser and quality gate.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ratio.h"

namespace carat {

struct Track {
  std::string name;
  int64_t parameter_norm = 1;            // parameters that score 1, in 32-bit units
  int64_t op_norm = 1;                   // operations that score 1, in 32-bit units
  int64_t gate_correct = 0;              // at least so many of gate_total test images must be right
  int64_t gate_total = 0;                // 0: no such gate
  std::optional<Ratio> gate_perplexity;  // at most
  std::string dataset;
  std::string help;
};

// What was measured on the test set.
struct Accuracy {
  int64_t correct = 0;
  int64_t total = 0;  // 0: not measured
  std::optional<Ratio> perplexity;
};

enum class Gate { pass, fail, not_measured };
const char* gate_name(Gate gate);
// Integers against integers, no rounding: gate_correct of gate_total test images must be right, or the same share of a
// larger set; fewer images than gate_total prove nothing. R6, R7, R8.
Gate check_gate(const Track& track, const Accuracy& accuracy);

const std::vector<Track>& tracks();
// A name of the table, or custom:PARAMETERS:OPERATIONS[:CORRECT/TOTAL]. Throws Error with the nearest name.
Track track_named(const std::string& name);

}  // namespace carat
