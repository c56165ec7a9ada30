// SPDX-License-Identifier: Apache-2.0
#include "scoring/score_sheet.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/fail.h"
#include "base/text.h"
#include "scoring/rules.h"

namespace carat {

ScoreSheet make_sheet(const Walk& walk, const Policy& policy, const Track& track, const Accuracy& accuracy) {
  require(accuracy.correct >= 0 && accuracy.correct <= accuracy.total, "accuracy: {} correct of {}", accuracy.correct,
          accuracy.total);
  require(!accuracy.perplexity || !(*accuracy.perplexity < Ratio(1)), "perplexity: expected at least 1, got {}",
          accuracy.perplexity ? accuracy.perplexity->text() : "");
  ScoreSheet sheet;
  sheet.network = walk.network;
  sheet.track = track;
  sheet.policy = policy.name;
  sheet.accuracy = accuracy;
  sheet.ledger = charge(walk, policy);
  sheet.param_bits = sheet.ledger.storage_bits();
  sheet.bit_ops = sheet.ledger.op_bits();
  sheet.notes = walk.notes;
  if (accuracy.total > 0 && track.gate_total > 0 && accuracy.total < track.gate_total)
    sheet.notes.push_back(fmt::format("accuracy was measured on {} examples, the gate asks for all {}", accuracy.total,
                                      track.gate_total));
  return sheet;
}

ScoreSheet make_sheet(const ModelGraph& graph, const KernelNonzeros& nonzeros, const Track& track, int64_t correct,
                      int64_t total) {
  return make_sheet(walk_network(graph, nonzeros), policy_named("strict"), track, {correct, total, {}});
}

Ledger count_network(const ModelGraph& graph, const KernelNonzeros& nonzeros) {
  return charge(walk_network(graph, nonzeros), policy_named("strict"));
}

std::string explain(const ScoreSheet& sheet, const std::string& layer) {
  std::vector<std::string> names;
  std::string text;
  Ratio params = 0;
  Ratio ops = 0;
  std::vector<std::string> used;
  for (const Row& row : sheet.ledger.rows) {
    if (names.empty() || names.back() != row.layer) names.push_back(row.layer);
    if (row.layer != layer) continue;
    const Ratio bits = row.total_bits();
    (row.part == Part::ops ? ops : params) += bits;
    text += fmt::format("{} {} ({})\n  {}\n  = {} x {} bits = {} {} = {} in 32-bit units   [{}]\n",
                        row.part == Part::ops ? "operation" : "stored", row.what, row.kind, row.formula,
                        row.count.text(), row.bits, bits.text(), row.part == Part::ops ? "bit-operations" : "bits",
                        (bits / Ratio(32)).text(), row.rule);
    for (const std::string& id : rule_ids(row.rule))
      if (std::find(used.begin(), used.end(), id) == used.end()) used.push_back(id);
  }
  if (text.empty()) {
    const std::string nearest = nearest_name(layer, names);
    fail("{}: no layer '{}' on the sheet{}", sheet.network, layer,
         nearest.empty() ? "" : ", did you mean '" + nearest + "'?");
  }
  const auto unit = [](const Ratio& bits) { return bits.to_double() / 32.0; };
  const double score = unit(params) / static_cast<double>(sheet.track.parameter_norm) +
                       unit(ops) / static_cast<double>(sheet.track.op_norm);
  text += fmt::format("\nlayer {}: {} bits stored, {} bit-operations, score {:.9f} of {:.9f} (policy {}, track {})\n\n",
                      layer, params.text(), ops.text(), score, sheet.score(), sheet.policy, sheet.track.name);
  for (const std::string& id : used) text += fmt::format("{:<4} {}\n", id, rule_text(id));
  return text;
}

}  // namespace carat
