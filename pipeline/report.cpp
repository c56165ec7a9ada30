// SPDX-License-Identifier: Apache-2.0
#include "pipeline/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/text.h"

namespace carat {
namespace {

double sparsity_of(const StageRecord& record) {
  return record.weights == 0 ? 0.0 : static_cast<double>(record.zeros) / static_cast<double>(record.weights);
}

void print_costs(Console& console, const RunReport& report) {
  std::vector<std::vector<std::string>> rows = {{"millionths of score"}};
  for (const RunRow& row : report.rows) rows.push_back({row.id});
  for (size_t i = 0; i < all_costs().size(); ++i) {
    const bool is_there = std::any_of(report.rows.begin(), report.rows.end(),
                                      [&](const RunRow& row) { return row.costs[i].millionths > 0.0; });
    if (!is_there) continue;
    rows[0].emplace_back(cost_name(all_costs()[i]));
    for (size_t r = 0; r < report.rows.size(); ++r)
      rows[r + 1].push_back(fmt::format("{:.1f}", report.rows[r].costs[i].millionths));
  }
  console.table(rows);
}

std::string costs_csv(const RunReport& report) {
  std::string csv = "stage,part,what,millionths\n";
  for (const RunRow& row : report.rows)
    for (const CostShare& share : row.costs)
      csv += fmt::format("{},{},{},{:.6f}\n", row.id, part_of(share.cost) == Part::params ? "parameters" : "operations",
                         cost_name(share.cost), share.millionths);
  return csv;
}

}  // namespace

double score_of(const Track& track, int64_t storage_bits, int64_t op_bits) {
  return static_cast<double>(storage_bits) / 32.0 / static_cast<double>(track.parameter_norm) +
         static_cast<double>(op_bits) / 32.0 / static_cast<double>(track.op_norm);
}

void print_table(Console& console, const Recipe& recipe, const RunReport& report) {
  std::vector<std::vector<std::string>> rows = {
      {"stage", "accuracy", "zeros", "parameters", "operations", "score", "time"}};
  for (const RunRow& row : report.rows) {
    const StageRecord& r = row.record;
    rows.push_back({row.id, fmt::format("{:.2f} %", 100.0 * r.accuracy()),
                    fmt::format("{:.1f} %", 100.0 * sparsity_of(r)), with_separators(r.storage_bits / 32),
                    with_separators(r.op_bits / 32),
                    fmt::format("{:.6f}", score_of(recipe.track, r.storage_bits, r.op_bits)),
                    row.reused ? "stored" : readable_seconds(row.seconds)});
  }
  console.table(rows);
  console.line("");
  print_costs(console, report);
}

void write_report(const std::filesystem::path& folder, const Recipe& recipe, const RunReport& report) {
  write_atomically(folder / "recipe.yaml", recipe.resolved);
  std::string csv = "stage,correct,total,loss,weights,zeros,storage_bits,op_bits,score,seconds,reused\n";
  nlohmann::json stages = nlohmann::json::array();
  for (const RunRow& row : report.rows) {
    const StageRecord& r = row.record;
    csv += fmt::format("{},{},{},{},{},{},{},{},{:.9f},{:.2f},{}\n", row.id, r.correct, r.total, r.loss, r.weights,
                       r.zeros, r.storage_bits, r.op_bits, score_of(recipe.track, r.storage_bits, r.op_bits), r.seconds,
                       row.reused);
    stages.push_back({{"stage", row.id}, {"seconds", r.seconds}, {"reused", row.reused}, {"device", r.device}});
  }
  write_atomically(folder / "summary.csv", csv);
  write_atomically(folder / "cost.csv", costs_csv(report));
  const char* commit = std::getenv("CARAT_COMMIT");
  const nlohmann::json run = {{"carat", CARAT_VERSION},    {"commit", commit != nullptr ? commit : ""},
                              {"command", report.command}, {"device", report.device},
                              {"seed", recipe.seed},       {"wall_seconds", report.wall_seconds},
                              {"stages", stages}};
  write_atomically(folder / "run.json", run.dump(2) + "\n");
}

void write_sheet(const std::filesystem::path& folder, const ScoreSheet& sheet) {
  write_atomically(folder / "score_sheet.md", to_markdown(sheet));
  write_atomically(folder / "score_sheet.json", to_json(sheet));
  write_atomically(folder / "score_sheet.csv", to_csv(sheet));
}

void link_stages(const std::filesystem::path& folder,
                 const std::vector<std::pair<std::string, std::filesystem::path>>& results) {
  const std::filesystem::path links = folder / "stages";
  std::filesystem::create_directories(links);
  for (const auto& entry : std::filesystem::directory_iterator(links)) {
    const bool known = std::any_of(results.begin(), results.end(), [&](const auto& result) {
      return result.first == entry.path().filename().string();
    });
    if (!known && entry.is_symlink()) std::filesystem::remove(entry.path());
  }
  for (const auto& [id, result] : results) {
    const std::filesystem::path target = std::filesystem::relative(result, links);
    std::error_code error;
    if (std::filesystem::read_symlink(links / id, error) == target) continue;
    std::filesystem::remove(links / id);
    std::filesystem::create_directory_symlink(target, links / id);
  }
}

}  // namespace carat
