// SPDX-License-Identifier: Apache-2.0
// The sheet for people: terminal table, Markdown, CSV.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/text.h"
#include "scoring/score_sheet.h"

namespace carat {
namespace {

// "12,345.5": counts with separators, up to six decimals, three in the terminal's narrow columns.
std::string readable(const Ratio& value, int64_t per_unit = 1000000) {
  constexpr double kMost = 9e18;  // of 64 bits
  const double size = std::abs(value.to_double());
  if (size > kMost) return fmt::format("{:.6e}", value.to_double());
  if (value.is_integer()) return with_separators(value.to_integer());
  if (size * static_cast<double>(per_unit) > kMost) return with_separators(value.rounded());
  const Ratio parts = (value * Ratio(per_unit)).rounded();
  const int64_t whole = (parts / Ratio(per_unit)).floor();
  std::string decimals =
      fmt::format("{:0{}}", (parts - Ratio(whole) * Ratio(per_unit)).to_integer(), per_unit == 1000 ? 3 : 6);
  while (!decimals.empty() && decimals.back() == '0') decimals.pop_back();
  return with_separators(whole) + (decimals.empty() ? "" : "." + decimals);
}

// A number's text where it fits into width columns, else the number with as many digits as do.
std::string fitted(const std::string& text, double value, int width) {
  std::string shown = text;
  for (int digits = width - 6; static_cast<int>(shown.size()) > width && digits >= 0; --digits)
    shown = fmt::format("{:.{}e}", value, digits);
  return shown;
}

// Nine decimals, fewer for scores that would not fit.
std::string score_text(double score, int width) {
  std::string shown = fmt::format("{:.9f}", score);
  for (int decimals = 8; static_cast<int>(shown.size()) > width && decimals >= 1; --decimals)
    shown = fmt::format("{:.{}f}", score, decimals);
  return fitted(shown, score, width);
}

std::string column(const Ratio& value, int width) { return fitted(readable(value, 1000), value.to_double(), width); }

// '|' would end a table's cell.
std::string cell(const std::string& text) {
  std::string shown;
  for (const char c : text) shown += c == '|' ? "\\|" : std::string(1, c);
  return shown;
}

std::string accuracy_text(const ScoreSheet& sheet) {
  const Accuracy& a = sheet.accuracy;
  const Track& t = sheet.track;
  std::string gate = "no gate";
  if (t.gate_total > 0) gate = fmt::format("gate {} of {}", t.gate_correct, t.gate_total);
  if (t.gate_perplexity) gate = "gate perplexity " + t.gate_perplexity->text();
  std::string measured = "accuracy not measured";
  if (a.total > 0)
    measured = fmt::format("accuracy {} / {} = {:.2f} %", a.correct, a.total,
                           100.0 * static_cast<double>(a.correct) / static_cast<double>(a.total));
  if (a.perplexity) measured = (a.total > 0 ? measured + ", " : "") + "perplexity " + a.perplexity->text();
  return fmt::format("{}, {}: {}", measured, gate, gate_name(sheet.gate()));
}

struct Group {
  Ratio count;
  Ratio bits;
};

// Totals of one part by a key of the row.
template <typename Key>
auto grouped(const ScoreSheet& sheet, Part part, const Key& key) {
  std::map<decltype(key(sheet.ledger.rows.front())), Group> groups;
  for (const Row& row : sheet.ledger.rows) {
    if (row.part != part) continue;
    Group& group = groups[key(row)];
    group.count += row.count;
    group.bits += row.total_bits();
  }
  return groups;
}

double share(const ScoreSheet& sheet, Part part, const Ratio& bits) {
  return bits.to_double() / 32.0 /
         static_cast<double>(part == Part::ops ? sheet.track.op_norm : sheet.track.parameter_norm);
}

struct LayerTotal {
  std::string name;
  Ratio params;
  Ratio ops;
  double score = 0.0;
};

std::vector<LayerTotal> by_layer(const ScoreSheet& sheet) {
  std::vector<LayerTotal> layers;
  std::map<std::string, size_t> index;
  for (const Row& row : sheet.ledger.rows) {
    const auto [entry, is_new] = index.try_emplace(row.layer, layers.size());
    if (is_new) layers.push_back({row.layer, 0, 0, 0.0});
    LayerTotal& layer = layers[entry->second];
    (row.part == Part::ops ? layer.ops : layer.params) += row.total_bits();
  }
  for (LayerTotal& layer : layers)
    layer.score = share(sheet, Part::params, layer.params) + share(sheet, Part::ops, layer.ops);
  return layers;
}

std::string shortened(const std::string& text, size_t width) {
  return text.size() <= width ? text : text.substr(0, width - 2) + "..";
}

const char* part_name(Part part) { return part == Part::ops ? "operation" : "stored"; }

}  // namespace

std::string to_text(const ScoreSheet& sheet, int64_t layers) {
  std::string text = fmt::format("{}\npolicy {}, track {}\n{}\n\n", shortened(sheet.network, 100), sheet.policy,
                                 shortened(sheet.track.name, 40), accuracy_text(sheet));
  const auto line = [&](const char* name, const Ratio& bits, int64_t norm, double score) {
    text += fmt::format("{:<12} {:>22} {:>24} {:>18} {:>12}\n", name, column(bits, 22), column(bits / Ratio(32), 24),
                        fitted(with_separators(norm), static_cast<double>(norm), 18), score_text(score, 12));
  };
  text += fmt::format("{:<12} {:>22} {:>24} {:>18} {:>12}\n", "", "bits", "32-bit units", "normaliser", "score");
  line("parameters", sheet.param_bits, sheet.track.parameter_norm, sheet.parameter_score());
  line("operations", sheet.bit_ops, sheet.track.op_norm, sheet.op_score());
  text += fmt::format("{:<12} {:>79}\n", "score", score_text(sheet.score(), 79));
  for (const Part part : {Part::ops, Part::params}) {
    text += fmt::format("\n{:<24} {:>5} {:>22} {:>24} {:>12}\n",
                        part == Part::ops ? "operations by kind" : "stored by kind", "bits", "count", "32-bit units",
                        "score");
    const auto kinds = grouped(sheet, part, [](const Row& row) { return std::pair(row.what, row.bits); });
    for (const auto& [key, group] : kinds)
      text += fmt::format("{:<24} {:>5} {:>22} {:>24} {:>12}\n", key.first, key.second, column(group.count, 22),
                          column(group.bits / Ratio(32), 24), score_text(share(sheet, part, group.bits), 12));
    text += fmt::format("{:<24}\n", part == Part::ops ? "operations by width" : "stored by width");
    for (const auto& [bits, group] : grouped(sheet, part, [](const Row& row) { return row.bits; }))
      text += fmt::format("{:<24} {:>5} {:>22} {:>24} {:>12}\n", "", bits, column(group.count, 22),
                          column(group.bits / Ratio(32), 24), score_text(share(sheet, part, group.bits), 12));
  }
  std::vector<LayerTotal> totals = by_layer(sheet);
  const size_t shown = layers <= 0 ? totals.size() : std::min<size_t>(totals.size(), static_cast<size_t>(layers));
  if (shown < totals.size())
    std::stable_sort(totals.begin(), totals.end(),
                     [](const LayerTotal& a, const LayerTotal& b) { return a.score > b.score; });
  text += fmt::format("\n{:<40} {:>18} {:>22} {:>12}\n", shown < totals.size() ? "dearest layers" : "layers",
                      "stored words", "operations", "score");
  for (size_t i = 0; i < shown; ++i)
    text += fmt::format("{:<40} {:>18} {:>22} {:>12}\n", shortened(totals[i].name, 40),
                        column(totals[i].params / Ratio(32), 18), column(totals[i].ops / Ratio(32), 22),
                        score_text(totals[i].score, 12));
  if (shown < totals.size()) text += fmt::format("and {} more: --layers 0 shows all\n", totals.size() - shown);
  for (const std::string& note : sheet.notes) text += "note: " + note + "\n";
  return text;
}

std::string to_markdown(const ScoreSheet& sheet) {
  std::string text = fmt::format(
      "# Score sheet: {}\n\n**Score {:.9f}** on track {}, policy {}; {}.\n\n"
      "| part | bits | 32-bit units | normaliser | score |\n|---|---:|---:|---:|---:|\n"
      "| parameters | {} | {} | {} | {:.9f} |\n| operations | {} | {} | {} | {:.9f} |\n",
      cell(sheet.network), sheet.score(), cell(sheet.track.name), sheet.policy, accuracy_text(sheet),
      readable(sheet.param_bits), readable(sheet.param_bits / Ratio(32)), with_separators(sheet.track.parameter_norm),
      sheet.parameter_score(), readable(sheet.bit_ops), readable(sheet.bit_ops / Ratio(32)),
      with_separators(sheet.track.op_norm), sheet.op_score());
  const std::vector<Deviation> list = deviations(policy_named(sheet.policy));
  if (!list.empty()) {
    text += "\nThis policy deviates from strict:\n\n";
    for (const Deviation& deviation : list) text += fmt::format("- {} ({})\n", deviation.text, deviation.rule);
  }
  if (!sheet.notes.empty()) text += "\n";
  for (const std::string& note : sheet.notes) text += "Note: " + note + "\n";
  for (const Part part : {Part::ops, Part::params}) {
    text += fmt::format("\n## {} by kind and width\n\n| kind | bits | count | 32-bit units |\n|---|---:|---:|---:|\n",
                        part == Part::ops ? "Operations" : "Storage");
    for (const auto& [key, group] : grouped(sheet, part, [](const Row& row) { return std::pair(row.what, row.bits); }))
      text += fmt::format("| {} | {} | {} | {} |\n", key.first, key.second, readable(group.count),
                          readable(group.bits / Ratio(32)));
    text += "\n| bits | count | 32-bit units |\n|---:|---:|---:|\n";
    for (const auto& [bits, group] : grouped(sheet, part, [](const Row& row) { return row.bits; }))
      text += fmt::format("| {} | {} | {} |\n", bits, readable(group.count), readable(group.bits / Ratio(32)));
  }
  text += "\n## Layers\n\n| layer | stored words | operations | score |\n|---|---:|---:|---:|\n";
  for (const LayerTotal& layer : by_layer(sheet))
    text += fmt::format("| {} | {} | {} | {:.9f} |\n", cell(layer.name), readable(layer.params / Ratio(32)),
                        readable(layer.ops / Ratio(32)), layer.score);
  text += "\n## Rows\n\n| part | layer | what | count | bits | rule |\n|---|---|---|---:|---:|---|\n";
  for (const Row& row : sheet.ledger.rows)
    text += fmt::format("| {} | {} | {} | {} | {} | {} |\n", part_name(row.part), cell(row.layer), row.what,
                        readable(row.count), row.bits, row.rule);
  return text;
}

std::string to_csv(const ScoreSheet& sheet) {
  const auto quoted = [](const std::string& field) {
    if (field.find_first_of(",\"\n") == std::string::npos) return field;
    std::string text = "\"";
    for (const char c : field) {
      if (c == '"') text += '"';
      text += c;
    }
    return text + "\"";
  };
  std::string text = "part,layer,kind,what,count,bits,total_bits,rule,formula\n";
  for (const Row& row : sheet.ledger.rows)
    text += fmt::format("{},{},{},{},{},{},{},{},{}\n", part_name(row.part), quoted(row.layer), row.kind, row.what,
                        row.count.text(), row.bits, row.total_bits().text(), row.rule, quoted(row.formula));
  return text;
}

}  // namespace carat
