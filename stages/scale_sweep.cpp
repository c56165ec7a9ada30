// SPDX-License-Identifier: Apache-2.0
// The exact fit: every scale at which a code changes, from the largest down.
#include <algorithm>
#include <cmath>
#include <functional>

#include "stages/scale_fit.h"

namespace carat {
namespace {

// A code of `magnitude` grows from (step - 1) / 2 to (step + 1) / 2 where the scale falls below this one.
struct Change {
  double scale;
  float magnitude;
  int32_t step;
};

// Values of one sign, as magnitudes that fall, with codes 0 .. limit.
class Side {
 public:
  Side(std::vector<float> magnitudes, int64_t limit)
      : magnitudes_(std::move(magnitudes)), limit_(limit), crossed_(static_cast<size_t>(limit), 0) {
    std::sort(magnitudes_.begin(), magnitudes_.end(), std::greater<>());
  }

  double largest() const { return magnitudes_.empty() || limit_ == 0 ? 0.0 : magnitudes_.front(); }

  // Squared error of the values beyond the highest code alone: a lower bound that rises as the scale falls.
  double clipped(double scale) const {
    const double end = scale * static_cast<double>(limit_);
    double error = 0.0;
    for (const float x : magnitudes_) {
      if (x <= end) break;
      error += (x - end) * (x - end);
    }
    return error;
  }

  double changes_down_to(double scale) const {
    double count = 0.0;
    for (const float x : magnitudes_) count += std::min(static_cast<double>(limit_), x / scale + 0.5);
    return count;
  }

  // Appends the changes at `scale` and above that were not yet given.
  void take(double scale, std::vector<Change>& changes) {
    for (size_t k = 0; k < crossed_.size(); ++k) {
      const double edge = static_cast<double>(k) + 0.5;
      size_t& next = crossed_[k];
      for (; next < magnitudes_.size(); ++next) {
        const double at = magnitudes_[next] / edge;
        if (at < scale) break;
        changes.push_back({at, magnitudes_[next], static_cast<int32_t>(2 * k + 1)});
      }
      if (next == 0) break;
    }
  }

 private:
  std::vector<float> magnitudes_;
  int64_t limit_;
  std::vector<size_t> crossed_;  // by code: how many have left it
};

class Sweep {
 public:
  Sweep(std::span<const float> values, const QuantSpec& spec)
      : positive_(magnitudes_of(values, 1.0F), spec.highest_code()),
        negative_(magnitudes_of(values, -1.0F), -spec.lowest_code()) {
    for (const float x : values) power_ += static_cast<double>(x) * x;
  }

  // The best scale; 0 where no value can have a code other than 0.
  double best_scale(const ScaleFit& known) {
    const double top = 2.0 * std::max(positive_.largest(), negative_.largest());
    if (top == 0.0) return 0.0;
    const double low = lower_bound(known);
    constexpr double kChangesAtOnce = 2048.0;
    const double changes = positive_.changes_down_to(low) + negative_.changes_down_to(low);
    const auto parts = static_cast<int64_t>(changes / kChangesAtOnce) + 1;
    for (int64_t part = 1; part < parts; ++part)
      visit(top * std::pow(low / top, static_cast<double>(part) / static_cast<double>(parts)));
    visit(low);
    return best_scale_;
  }

 private:
  static std::vector<float> magnitudes_of(std::span<const float> values, float sign) {
    std::vector<float> magnitudes;
    for (const float x : values)
      if (x * sign > 0.0F) magnitudes.push_back(x * sign);
    return magnitudes;
  }

  // Below this scale clipping costs more than the known fit.
  double lower_bound(const ScaleFit& known) const {
    const auto is_worse = [&](double scale) {
      return positive_.clipped(scale) + negative_.clipped(scale) > known.squared_error + 1e-12 * power_;
    };
    double low = 0.0;
    double high = known.scale;
    while (low == 0.0 || high - low > 0.02 * high) {
      const double middle = 0.5 * (low + high);
      if (middle <= 1e-6 * known.scale) return middle;
      (is_worse(middle) ? low : high) = middle;
    }
    return low;
  }

  void visit(double scale) {
    changes_.clear();
    positive_.take(scale, changes_);
    negative_.take(scale, changes_);
    std::sort(changes_.begin(), changes_.end(), [](const Change& a, const Change& b) { return a.scale > b.scale; });
    constexpr double kTie = 1e-13;
    for (const Change& change : changes_) {
      xq_ += change.magnitude;
      qq_ += change.step;
      if (xq_ * xq_ <= (best_gain_ + kTie * power_) * qq_) continue;
      best_gain_ = xq_ * xq_ / qq_;
      best_scale_ = xq_ / qq_;
    }
  }

  Side positive_;
  Side negative_;
  std::vector<Change> changes_;
  double power_ = 0.0;
  double xq_ = 0.0;
  double qq_ = 0.0;
  double best_gain_ = 0.0;
  double best_scale_ = 0.0;
};

}  // namespace

ScaleFit fit_scale_exact(std::span<const float> values, const QuantSpec& spec, const ScaleFit& known) {
  if (spec.encoding() == Encoding::binary) return known;
  const double scale = Sweep(values, spec).best_scale(known);
  return scale == 0.0 ? known : fit_scale_from(values, scale, spec);
}

ScaleFit fit_scale_exact(std::span<const float> values, const QuantSpec& spec) {
  return fit_scale_exact(values, spec, fit_scale(values, spec));
}

}  // namespace carat
