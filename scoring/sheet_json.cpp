// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "base/fail.h"
#include "scoring/score_sheet.h"

namespace carat {
namespace {

using Json = nlohmann::ordered_json;

// An integer of 64 bits as such; anything else as the nearest double, and beside it exactly under KEY_exact.
void put(Json& json, const char* key, const Ratio& value) {
  constexpr double kMost = 9e18;
  if (value.is_integer() && std::abs(value.to_double()) <= kMost) {
    json[key] = value.to_integer();
  } else {
    json[key] = value.to_double();
    json[std::string(key) + "_exact"] = value.text();
  }
}

struct DiffRow {
  double a = 0.0;
  double b = 0.0;
};

struct Totals {
  std::map<std::pair<std::string, std::string>, double> rows;  // {layer, part and what} -> score
  double score = 0.0;
  std::string track;
  std::string policy;
};

Totals totals_of(const std::string& text, const std::string& name) {
  try {
    const Json json = Json::parse(text);
    Totals totals;
    totals.score = json.at("score");
    totals.track = json.at("track");
    totals.policy = json.at("policy");
    const double parameter_norm = json.at("normaliser").at("params");
    const double op_norm = json.at("normaliser").at("ops");
    for (const Json& row : json.at("rows")) {
      const bool is_op = row.at("part") == "ops";
      const std::string what = (is_op ? "" : "stored ") + row.at("what").get<std::string>();
      totals.rows[{row.at("layer").get<std::string>(), what}] +=
          row.at("total_bits").get<double>() / 32.0 / (is_op ? op_norm : parameter_norm);
    }
    return totals;
  } catch (const Json::exception& error) {
    fail("{}: expected a score sheet as JSON: {}", name, error.what());
  }
}

}  // namespace

std::string to_json(const ScoreSheet& sheet) {
  Json json;
  json["policy"] = sheet.policy;
  json["track"] = sheet.track.name;
  json["network"] = sheet.network;
  json["params"] = sheet.params();
  json["ops"] = sheet.ops();
  put(json, "param_bits", sheet.param_bits);
  put(json, "bit_ops", sheet.bit_ops);
  json["score"] = sheet.score();
  json["param_score"] = sheet.parameter_score();
  json["op_score"] = sheet.op_score();
  json["normaliser"] = {{"params", sheet.track.parameter_norm}, {"ops", sheet.track.op_norm}};
  json["accuracy"] = nullptr;
  if (sheet.accuracy.total > 0)
    json["accuracy"] = {{"correct", sheet.accuracy.correct}, {"total", sheet.accuracy.total}};
  if (sheet.accuracy.perplexity) json["perplexity"] = sheet.accuracy.perplexity->to_double();
  json["gate"] = gate_name(sheet.gate());
  if (sheet.track.gate_total > 0)
    json["gate_asks"] = {{"correct", sheet.track.gate_correct}, {"total", sheet.track.gate_total}};
  if (sheet.track.gate_perplexity) json["gate_asks"] = {{"perplexity", sheet.track.gate_perplexity->to_double()}};
  json["deviations"] = Json::array();
  for (const Deviation& deviation : deviations(policy_named(sheet.policy)))
    json["deviations"].push_back({{"rule", deviation.rule}, {"text", deviation.text}});
  json["notes"] = sheet.notes;
  json["rows"] = Json::array();
  for (const Row& row : sheet.ledger.rows) {
    Json entry;
    entry["part"] = row.part == Part::ops ? "ops" : "params";
    entry["layer"] = row.layer;
    entry["kind"] = row.kind;
    entry["what"] = row.what;
    put(entry, "count", row.count);
    entry["bits"] = row.bits;
    put(entry, "total_bits", row.total_bits());
    entry["rule"] = row.rule;
    entry["formula"] = row.formula;
    json["rows"].push_back(std::move(entry));
  }
  return json.dump(1) + "\n";
}

std::string diff(const std::string& json_a, const std::string& name_a, const std::string& json_b,
                 const std::string& name_b, int64_t rows) {
  const Totals a = totals_of(json_a, name_a);
  const Totals b = totals_of(json_b, name_b);
  require(a.track == b.track, "diff: {} is on track {}, {} on track {}: their scores do not compare", name_a, a.track,
          name_b, b.track);
  std::map<std::pair<std::string, std::string>, DiffRow> merged;
  for (const auto& [key, score] : a.rows) merged[key].a = score;
  for (const auto& [key, score] : b.rows) merged[key].b = score;
  std::vector<std::pair<std::pair<std::string, std::string>, DiffRow>> changed;
  for (const auto& entry : merged)
    if (std::abs(entry.second.b - entry.second.a) > 1e-15) changed.push_back(entry);
  std::stable_sort(changed.begin(), changed.end(), [](const auto& x, const auto& y) {
    return std::abs(x.second.b - x.second.a) > std::abs(y.second.b - y.second.a);
  });
  std::string text =
      fmt::format("A {} ({}): {:.9f}\nB {} ({}): {:.9f}\nB - A: {:+.9f}, {} of {} rows differ\n\n", name_a, a.policy,
                  a.score, name_b, b.policy, b.score, b.score - a.score, changed.size(), merged.size());
  std::map<std::string, DiffRow> kinds;
  for (const auto& [key, row] : changed) {
    kinds[key.second].a += row.a;
    kinds[key.second].b += row.b;
  }
  const auto line = [&](const std::string& layer, const std::string& what, const DiffRow& row) {
    const auto cut = [](const std::string& s, size_t n) { return s.size() <= n ? s : s.substr(0, n - 2) + ".."; };
    text += fmt::format("{:<34} {:<24} {:>12.9f} {:>12.9f} {:>+13.9f}\n", cut(layer, 34), cut(what, 24), row.a, row.b,
                        row.b - row.a);
  };
  if (!changed.empty()) text += fmt::format("{:<34} {:<24} {:>12} {:>12} {:>13}\n", "layer", "what", "A", "B", "B - A");
  for (const auto& [what, row] : kinds) line("(all layers)", what, row);
  const size_t shown = rows <= 0 ? changed.size() : std::min(changed.size(), static_cast<size_t>(rows));
  for (size_t i = 0; i < shown; ++i) line(changed[i].first.first, changed[i].first.second, changed[i].second);
  if (shown < changed.size()) text += fmt::format("and {} more: --rows 0 shows all\n", changed.size() - shown);
  return text;
}

}  // namespace carat
