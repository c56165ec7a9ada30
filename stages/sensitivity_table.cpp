// SPDX-License-Identifier: Apache-2.0
#include "stages/sensitivity_table.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/fail.h"
#include "base/hash.h"

namespace carat {
namespace {

constexpr const char* kFirstWords = "# carat sensitivity 2";
constexpr size_t kColumns = 21;

std::string checksum(const std::string& text) { return fmt::format("{:016x}", hash64(text.data(), text.size())); }

std::vector<std::string> split(const std::string& line, char at) {
  std::vector<std::string> cells(1);
  for (const char c : line) {
    if (c == at)
      cells.emplace_back();
    else
      cells.back() += c;
  }
  return cells;
}

// 1.96 standard errors of the mean of `images` numbers with this sum and sum of squares.
double margin_of(double sum, double squares, int64_t images) {
  if (images < 2) return 1e300;
  const auto n = static_cast<double>(images);
  const double variance = std::max(0.0, (squares - sum * sum / n) / (n - 1.0));
  return 1.96 * std::sqrt(variance / n);
}

template <typename Number>
bool read(const std::string& cell, Number& to) {
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), to);
  return error == std::errc() && end == cell.data() + cell.size();
}

}  // namespace

bool read_record(const std::string& line, SensitivityPoint& point) {
  const std::vector<std::string> cells = split(line, ',');
  if (cells.size() != kColumns) return false;
  const size_t body = line.size() - cells.back().size() - 1;
  if (checksum(line.substr(0, body)) != cells.back()) return false;
  point.layer = cells[0];
  PointSums& s = point.sums;
  return read(cells[1], point.level) && read(cells[10], s.loss) && read(cells[11], s.images) &&
         read(cells[12], s.correct) && read(cells[13], s.correct5) && read(cells[14], s.lost) &&
         read(cells[15], s.gained) && read(cells[16], s.divergence) && read(cells[17], s.divergence_squares) &&
         read(cells[18], s.rise) && read(cells[19], s.rise_squares) && s.images > 0;
}

void PointSums::add(const PointSums& more) {
  images += more.images;
  correct += more.correct;
  correct5 += more.correct5;
  lost += more.lost;
  gained += more.gained;
  loss += more.loss;
  divergence += more.divergence;
  divergence_squares += more.divergence_squares;
  rise += more.rise;
  rise_squares += more.rise_squares;
}

double PointSums::rise_margin() const { return margin_of(rise, rise_squares, images); }

double PointSums::top1_margin() const {
  return margin_of(static_cast<double>(gained - lost), static_cast<double>(gained + lost), images);
}

double PointSums::divergence_margin() const { return margin_of(divergence, divergence_squares, images); }

std::string record_of(const SensitivityPoint& point) {
  const PointSums& s = point.sums;
  const auto n = static_cast<double>(s.images);
  const bool is_measured = s.correct >= 0;
  const auto percent = [&](int64_t count) {
    return is_measured ? fmt::format("{:.3f}", 100.0 * static_cast<double>(count) / n) : std::string();
  };
  const auto margin = [&](double half, int digits) {
    return fmt::format("{:.{}f}", s.images < 2 ? 0.0 : half, digits);
  };
  const std::string divergence =
      is_measured ? fmt::format("{:.6f},{}", s.mean_divergence(), margin(s.divergence_margin(), 6)) : ",";
  const std::string text =
      fmt::format("{},{},{},{},{},{},{:.6f},{},{},{},{},{},{},{},{},{},{},{},{}", point.layer, point.level,
                  percent(s.correct), is_measured ? margin(100.0 * s.top1_margin(), 3) : "", percent(s.correct5),
                  s.mean_loss(), s.mean_rise(), margin(s.rise_margin(), 6), divergence, s.loss, s.images, s.correct,
                  s.correct5, s.lost, s.gained, s.divergence, s.divergence_squares, s.rise, s.rise_squares);
  return text + "," + checksum(text);
}

std::string header_of(const SensitivityTable& table) {
  return fmt::format(
      "{}, quantity {}, identity {}\n"
      "parameter,{},top1,top1_margin,top5,loss,loss_rise,rise_margin,divergence,divergence_margin,loss_sum,images,"
      "correct,"
      "correct5,lost,gained,divergence_sum,divergence_square_sum,rise_sum,rise_square_sum,checksum\n",
      kFirstWords, table.quantity, table.identity, table.quantity == "sparsity" ? "sparsity" : "bits");
}

std::string to_csv(const SensitivityTable& table) {
  std::string text = header_of(table);
  for (const SensitivityPoint& point : table.points) text += record_of(point) + "\n";
  return text;
}

SensitivityTable table_from_csv(const std::string& text, const std::string& file, size_t* torn) {
  if (torn != nullptr) *torn = text.size();
  const std::vector<std::string> lines = split(text, '\n');
  const std::vector<std::string> head = split(lines.front(), ',');
  require(head[0] != "# carat sensitivity 1",
          "{}:1: expected '{}', whose top1 and divergence have intervals, got version 1; measure anew", file,
          kFirstWords);
  constexpr std::string_view kQuantity = " quantity ";
  constexpr std::string_view kIdentity = " identity ";
  require(head.size() == 3 && head[0] == kFirstWords && head[1].starts_with(kQuantity) &&
              head[2].starts_with(kIdentity) && lines.size() > 2,
          "{}:1: expected '{}, quantity ..., identity ...' and column names, got '{}'", file, kFirstWords,
          lines.front());
  SensitivityTable table;
  table.quantity = head[1].substr(kQuantity.size());
  table.identity = head[2].substr(kIdentity.size());
  require(header_of(table) == lines[0] + "\n" + lines[1] + "\n", "{}:2: expected other columns, got '{}'", file,
          lines[1]);
  size_t position = lines[0].size() + lines[1].size() + 2;
  for (size_t i = 2; i < lines.size(); ++i) {
    const bool is_last = i + 1 >= lines.size() || (i + 2 == lines.size() && lines.back().empty());
    if (lines[i].empty() && i + 1 == lines.size()) break;
    SensitivityPoint point;
    const bool is_whole = read_record(lines[i], point) && i + 1 < lines.size();
    if (!is_whole && is_last) {
      if (torn != nullptr) *torn = position;
      break;
    }
    require(is_whole, "{}:{}: expected a record with its checksum, got '{}'", file, i + 1, lines[i]);
    table.points.push_back(point);
    position += lines[i].size() + 1;
  }
  return table;
}

SensitivityTable merged(const std::vector<SensitivityTable>& tables, const std::vector<std::string>& files) {
  SensitivityTable all = tables.front();
  all.points.clear();
  std::map<std::pair<std::string, double>, PointSums> seen;
  for (size_t t = 0; t < tables.size(); ++t) {
    require(tables[t].identity == all.identity && tables[t].quantity == all.quantity,
            "{}: expected {} of the network and images of {} (identity {}), got {} with identity {}", files[t],
            all.quantity, files.front(), all.identity, tables[t].quantity, tables[t].identity);
    for (const SensitivityPoint& point : tables[t].points) {
      require(
          !point.layer.starts_with(kPart),
          "{}: expected an analysis that has ended, found {} at {} of one by intervals; run its command again first",
          files[t], point.layer, point.level);
      const auto [at, is_new] = seen.emplace(std::pair(point.layer, point.level), point.sums);
      require(is_new || at->second == point.sums, "{}: {} at {}: expected one measurement, got another than before",
              files[t], point.layer, point.level);
      if (is_new) all.points.push_back(point);
    }
  }
  return all;
}

SensitivityCurves curves_of(const SensitivityTable& table) {
  require(table.quantity == "sparsity", "sensitivity: expected measurements of sparsity, got {}", table.quantity);
  SensitivityCurves curves;
  bool has_dense = false;
  for (const SensitivityPoint& point : table.points) {
    if (point.layer == "(dense)") {
      curves.dense_loss = point.sums.mean_loss();
      has_dense = true;
    }
  }
  require(has_dense, "sensitivity: expected a record of the dense network, found none");
  // The rise is paired on the images that were seen, which may be fewer than the dense network's.
  for (const SensitivityPoint& point : table.points)
    if (point.layer != "(dense)")
      curves.layers[point.layer].push_back({point.level, curves.dense_loss + point.sums.mean_rise()});
  for (auto& [layer, points] : curves.layers)
    std::sort(points.begin(), points.end(), [](const auto& a, const auto& b) { return a.sparsity < b.sparsity; });
  return curves;
}

}  // namespace carat
