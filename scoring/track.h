// SPDX-License-Identifier: Apache-2.0
// Competition tracks: normaliser and quality gate.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace carat {

struct Track {
  std::string name;
  int64_t parameter_norm;  // parameters that score 1, in 32-bit units
  int64_t op_norm;         // operations that score 1, in 32-bit units
  int64_t gate_correct;    // at least this share of the test images must be right
  int64_t gate_total;
  std::string dataset;
  std::string help;
};

const std::vector<Track>& tracks();
// Throws Error with the nearest name.
const Track& track_named(const std::string& name);

}  // namespace carat
