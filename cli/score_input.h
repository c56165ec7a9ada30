// SPDX-License-Identifier: Apache-2.0
// Whatever can be scored: a Carat model at any stage, a packed file, an operation list, a published entry's tensors.
#pragma once

#include <string>

#include "scoring/track.h"
#include "scoring/walk.h"

namespace carat {

struct ScoreInput {
  Walk walk;
  std::string track;               // "" when the file does not say
  std::optional<Track> own_track;  // an operation list's custom track
  Accuracy accuracy;
  int64_t examples = 0;  // an operation list's: the test set that its exits were measured on
};

// The kind is told by the content. model: take foreign tensors as this network of the zoo ("" finds it).
// Throws Error with one line that names the file.
ScoreInput read_score_input(const std::string& path, const std::string& model);

}  // namespace carat
