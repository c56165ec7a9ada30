// SPDX-License-Identifier: Apache-2.0
// The files of runs/<name>/ and the closing table.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/console.h"
#include "pipeline/recipe.h"
#include "pipeline/stage_record.h"
#include "scoring/score_sheet.h"

namespace carat {

struct RunRow {
  std::string id;
  StageRecord record;
  std::vector<CostShare> costs;  // strict, of every Cost in order
  double seconds = 0.0;          // in this run; 0 when reused
  bool reused = false;
};

struct RunReport {
  std::string device;
  std::string command;
  double wall_seconds = 0.0;
  std::vector<RunRow> rows;
};

// parameters / P0 + operations / M0, from bits.
double score_of(const Track& track, int64_t storage_bits, int64_t op_bits);

// Two tables: what came out of every stage, and what its score consists of, in millionths; costs that no stage has are
// left out.
void print_table(Console& console, const Recipe& recipe, const RunReport& report);
// recipe.yaml, summary.csv, cost.csv (stage, part, what, millionths of score) and run.json.
void write_report(const std::filesystem::path& folder, const Recipe& recipe, const RunReport& report);
void write_sheet(const std::filesystem::path& folder, const ScoreSheet& sheet);

// Points stages/NN-name at its result in the store, and removes links of stages that the recipe no longer has.
void link_stages(const std::filesystem::path& folder,
                 const std::vector<std::pair<std::string, std::filesystem::path>>& results);

}  // namespace carat
