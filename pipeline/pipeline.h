// SPDX-License-Identifier: Apache-2.0
// The loop that takes a recipe from random weights to a score sheet.
#pragma once

#include <string>

#include "pipeline/recipe.h"
#include "scoring/score_sheet.h"

namespace carat {

struct RunOptions {
  std::string runs_folder = "runs";
  std::string device = "auto";
  int64_t threads = 0;  // 0: the cores this process may use
  double checkpoint_seconds = 30.0;
  bool fresh = false;       // forget stored results of this recipe's stages
  bool any_device = false;  // stages that another device or number of threads has stored are taken as they are
  std::string command;      // as typed, for run.json
};

// Runs every stage (or finds its stored result), checks what must hold after each, then verifies, evaluates and scores
// the packed file. Writes runs/<name>/. Throws Error on any failure; what was finished stays stored.
ScoreSheet run_recipe(const Recipe& recipe, const RunOptions& options);

}  // namespace carat
