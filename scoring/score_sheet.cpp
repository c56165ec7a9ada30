// SPDX-License-Identifier: Apache-2.0
#include "scoring/score_sheet.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.h"

namespace carat {
namespace {

// Bits in 32-bit units, exactly.
std::string words(int64_t bits) {
  std::string text = fmt::format("{:.5f}", static_cast<double>(bits % 32) / 32.0).substr(1);
  while (text.back() == '0') text.pop_back();
  if (text == ".") text.clear();
  return with_separators(bits / 32) + text;
}

template <typename Rows, typename Kind, typename Amount>
std::string by_width(const Rows& rows, const Kind& kind, const Amount& amount) {
  std::map<std::pair<std::string, int64_t>, int64_t> counts;
  for (const auto& row : rows) counts[{kind(row), row.bits}] += amount(row);
  std::string text;
  for (const auto& [key, count] : counts)
    text += fmt::format("| {} | {} | {} | {} |\n", key.first, key.second, with_separators(count),
                        words(count * key.second));
  return text;
}

}  // namespace

double ScoreSheet::parameter_score() const {
  return static_cast<double>(storage_bits) / 32.0 / static_cast<double>(track.parameter_norm);
}

double ScoreSheet::op_score() const { return static_cast<double>(op_bits) / 32.0 / static_cast<double>(track.op_norm); }

bool ScoreSheet::passes_gate() const { return total > 0 && correct * track.gate_total >= track.gate_correct * total; }

ScoreSheet make_sheet(const ModelGraph& graph, const KernelNonzeros& nonzeros, const Track& track, int64_t correct,
                      int64_t total) {
  ScoreSheet sheet{graph.name(), track, correct, total, count_network(graph, nonzeros), 0, 0};
  sheet.storage_bits = sheet.ledger.storage_bits();
  sheet.op_bits = sheet.ledger.op_bits();
  return sheet;
}

std::string to_markdown(const ScoreSheet& sheet) {
  std::string text = fmt::format(
      "# Score sheet: {}\n\n**Score {:.6f}** on track {}, strict policy; accuracy {} / {}, gate {} / {}: {}.\n\n"
      "| part | bits | 32-bit units | normaliser | score |\n|---|---|---|---|---|\n"
      "| parameters | {} | {} | {} | {:.6f} |\n| operations | {} | {} | {} | {:.6f} |\n\n",
      sheet.network, sheet.score(), sheet.track.name, sheet.correct, sheet.total, sheet.track.gate_correct,
      sheet.track.gate_total, sheet.passes_gate() ? "passed" : "missed", with_separators(sheet.storage_bits),
      words(sheet.storage_bits), with_separators(sheet.track.parameter_norm), sheet.parameter_score(),
      with_separators(sheet.op_bits), words(sheet.op_bits), with_separators(sheet.track.op_norm), sheet.op_score());
  text += "## Totals by width\n\n| operation | bits | count per image | 32-bit units |\n|---|---|---|---|\n";
  text += by_width(
      sheet.ledger.ops, [](const OpRow& row) { return row.what; }, [](const OpRow& row) { return row.count; });
  text += "\n| stored | bits | count | 32-bit units |\n|---|---|---|---|\n";
  text += by_width(
      sheet.ledger.storage, [](const StorageRow& row) { return row.tensor; },
      [](const StorageRow& row) { return row.count; });
  text += "\n## Operations\n\n| layer | operation | count | bits | rule |\n|---|---|---|---|---|\n";
  for (const OpRow& row : sheet.ledger.ops)
    text += fmt::format("| {} | {} | {} | {} | {} |\n", row.layer, row.what, with_separators(row.count), row.bits,
                        row.rule);
  text += "\n## Storage\n\n| layer | tensor | count | bits | rule |\n|---|---|---|---|---|\n";
  for (const StorageRow& row : sheet.ledger.storage)
    text += fmt::format("| {} | {} | {} | {} | {} |\n", row.layer, row.tensor, with_separators(row.count), row.bits,
                        row.rule);
  return text;
}

std::string to_csv(const ScoreSheet& sheet) {
  std::string text = "kind,layer,what,count,bits,total_bits,rule\n";
  for (const OpRow& row : sheet.ledger.ops)
    text +=
        fmt::format("operation,{},{},{},{},{},{}\n", row.layer, row.what, row.count, row.bits, row.bit_ops(), row.rule);
  for (const StorageRow& row : sheet.ledger.storage)
    text += fmt::format("storage,{},{},{},{},{},{}\n", row.layer, row.tensor, row.count, row.bits, row.total_bits(),
                        row.rule);
  return text;
}

std::string to_json(const ScoreSheet& sheet) {
  nlohmann::json ops = nlohmann::json::array();
  for (const OpRow& row : sheet.ledger.ops)
    ops.push_back(
        {{"layer", row.layer}, {"what", row.what}, {"count", row.count}, {"bits", row.bits}, {"rule", row.rule}});
  nlohmann::json storage = nlohmann::json::array();
  for (const StorageRow& row : sheet.ledger.storage)
    storage.push_back(
        {{"layer", row.layer}, {"tensor", row.tensor}, {"count", row.count}, {"bits", row.bits}, {"rule", row.rule}});
  const nlohmann::json json = {
      {"network", sheet.network},
      {"policy", "strict"},
      {"track", sheet.track.name},
      {"normaliser", {{"parameters", sheet.track.parameter_norm}, {"operations", sheet.track.op_norm}}},
      {"gate",
       {{"correct", sheet.track.gate_correct}, {"total", sheet.track.gate_total}, {"passed", sheet.passes_gate()}}},
      {"correct", sheet.correct},
      {"total", sheet.total},
      {"storage_bits", sheet.storage_bits},
      {"op_bits", sheet.op_bits},
      {"score", sheet.score()},
      {"operations", ops},
      {"storage", storage}};
  return json.dump(2) + "\n";
}

}  // namespace carat
