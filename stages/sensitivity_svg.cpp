// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/fail.h"
#include "stages/sensitivity_table.h"

namespace carat {
namespace {

constexpr int kWidth = 190;
constexpr int kHeight = 120;
constexpr int kColumns = 6;
constexpr double kTop = 2.0;  // rise of the loss in nats that ends the chart

struct Chart {
  std::string layer;
  std::vector<const SensitivityPoint*> points;
};

std::string chart(const Chart& one, double lowest, double highest) {
  constexpr double kLeft = 12;
  constexpr double kRight = kWidth - 8;
  constexpr double kFloor = kHeight - 14;
  constexpr double kCeiling = 22;
  const auto x = [&](double level) {
    return kLeft + (kRight - kLeft) * (level - lowest) / std::max(1e-9, highest - lowest);
  };
  const auto y = [&](double rise) { return kFloor - (kFloor - kCeiling) * std::clamp(rise, 0.0, kTop) / kTop; };
  std::string line;
  std::string marks;
  for (const SensitivityPoint* point : one.points) {
    const double rise = point->sums.mean_rise();
    line += fmt::format("{:.1f},{:.1f} ", x(point->level), y(rise));
    const double margin = point->sums.images < 2 ? 0.0 : point->sums.rise_margin();
    marks += fmt::format("<line x1='{0:.1f}' x2='{0:.1f}' y1='{1:.1f}' y2='{2:.1f}' stroke='#888'/>", x(point->level),
                         y(rise - margin), y(rise + margin));
  }
  return fmt::format(
      "<text x='12' y='12' font-size='9'>{}</text><path d='M{:.1f} {:.1f}V{:.1f}H{:.1f}' fill='none' stroke='#ccc'/>{}"
      "<polyline points='{}' fill='none' stroke='#06c' stroke-width='1.5'/>",
      one.layer, kLeft, kCeiling, kFloor, kRight, marks, line);
}

}  // namespace

std::string to_svg(const SensitivityTable& table) {
  std::vector<Chart> charts;
  double lowest = 1e300;
  double highest = -1e300;
  for (const SensitivityPoint& point : table.points) {
    if (point.layer == "(dense)") continue;
    const auto found =
        std::find_if(charts.begin(), charts.end(), [&](const Chart& c) { return c.layer == point.layer; });
    Chart& one = found != charts.end() ? *found : charts.emplace_back(Chart{point.layer, {}});
    one.points.push_back(&point);
    lowest = std::min(lowest, point.level);
    highest = std::max(highest, point.level);
  }
  const int rows = (static_cast<int>(charts.size()) + kColumns - 1) / kColumns;
  std::string text = fmt::format(
      "<svg xmlns='http://www.w3.org/2000/svg' width='{}' height='{}' font-family='sans-serif'>\n"
      "<rect width='100%' height='100%' fill='white'/>\n<text x='12' y='16' font-size='11'>rise of the loss, 0 to {} "
      "nats, against {} from {} to {}; bars: 95 % intervals</text>\n",
      kColumns * kWidth, rows * kHeight + 24, kTop, table.quantity, lowest, highest);
  for (size_t i = 0; i < charts.size(); ++i)
    text += fmt::format("<g transform='translate({},{})'>{}</g>\n", static_cast<int>(i) % kColumns * kWidth,
                        24 + static_cast<int>(i) / kColumns * kHeight, chart(charts[i], lowest, highest));
  return text + "</svg>\n";
}

}  // namespace carat
