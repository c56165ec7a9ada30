// SPDX-License-Identifier: Apache-2.0
#include "stages/activation_fit.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/float_ops.h"
#include "stages/scale_fit.h"

namespace carat {
namespace {

struct Range {
  double low = 0.0;   // at most 0
  double high = 0.0;  // at least 0
};

class Fitter {
 public:
  Fitter(std::span<const float> samples, const QuantSpec& spec, std::optional<Unary> f)
      : x_(samples), spec_(spec), f_(f), y_(samples.begin(), samples.end()) {
    if (f_) apply_unary(*f_, y_.data(), static_cast<int64_t>(y_.size()), y_.data());
  }

  ActivationFit of_range(const Range& range) const {
    ActivationFit fit;
    const auto codes = static_cast<double>(spec_.highest_code());
    if (spec_.is_shifted()) {
      fit.scale = (range.high - range.low) / codes;
      fit.zero_point = std::clamp<int64_t>(std::llround(-range.low / fit.scale), 0, spec_.highest_code());
    } else {
      fit.scale = std::max(range.high, spec_.is_signed() ? -range.low : 0.0) / codes;
    }
    if (!(fit.scale > 0.0)) return {};
    fit.squared_error = error(fit);
    return fit;
  }

  // The range that gives the smallest error, then its scale by least squares.
  ActivationFit best_of(const Range& widest) const {
    constexpr int kSteps = 20;
    ActivationFit best = of_range(widest);
    for (int low = 1; low <= kSteps; ++low)
      for (int high = 1; high <= kSteps; ++high) {
        const ActivationFit fit = of_range({widest.low * low / kSteps, widest.high * high / kSteps});
        if (fit.squared_error < best.squared_error) best = fit;
      }
    return f_ ? best : refined(best);
  }

  double error(const ActivationFit& fit) const {
    const std::vector<float> results = results_of_codes(fit);
    const auto lowest = static_cast<double>(lowest_of(fit));
    double sum = 0.0;
    for (size_t i = 0; i < x_.size(); ++i) {
      const auto entry = static_cast<size_t>(code(x_[i], fit) - lowest);
      const double difference = static_cast<double>(y_[i]) - static_cast<double>(results[entry]);
      sum += difference * difference;
    }
    return sum;
  }

 private:
  int64_t lowest_of(const ActivationFit& fit) const {
    return spec_.is_shifted() ? -fit.zero_point : spec_.lowest_code();
  }
  int64_t highest_of(const ActivationFit& fit) const { return spec_.highest_code() - fit.zero_point; }

  // code - zero point
  double code(double x, const ActivationFit& fit) const {
    const double place = x / fit.scale;
    const double whole = spec_.rounding() == Rounding::half_even ? std::nearbyint(place) : std::round(place);
    return std::clamp(whole, static_cast<double>(lowest_of(fit)), static_cast<double>(highest_of(fit)));
  }

  std::vector<float> results_of_codes(const ActivationFit& fit) const {
    std::vector<float> results;
    for (int64_t code = lowest_of(fit); code <= highest_of(fit); ++code)
      results.push_back(static_cast<float>(fit.scale * static_cast<double>(code)));
    if (f_) apply_unary(*f_, results.data(), static_cast<int64_t>(results.size()), results.data());
    return results;
  }

  ActivationFit refined(ActivationFit fit) const {
    constexpr int kRounds = 100;
    for (int round = 0; round < kRounds; ++round) {
      double xq = 0.0;
      double qq = 0.0;
      for (const float x : x_) {
        const double q = code(x, fit);
        xq += x * q;
        qq += q * q;
      }
      if (qq == 0.0 || xq <= 0.0) break;
      ActivationFit next = fit;
      next.scale = xq / qq;
      next.squared_error = error(next);
      if (next.squared_error >= fit.squared_error) break;
      fit = next;
    }
    return fit;
  }

  std::span<const float> x_;
  QuantSpec spec_;
  std::optional<Unary> f_;
  std::vector<float> y_;
};

Range range_of(std::span<const float> samples, double percentile) {
  std::vector<float> sorted(samples.begin(), samples.end());
  std::sort(sorted.begin(), sorted.end());
  const auto last = static_cast<double>(sorted.size() - 1);
  const auto at = [&](double share) { return static_cast<double>(sorted[static_cast<size_t>(share * last + 0.5)]); };
  return {std::min(0.0, at(1.0 - percentile / 100.0)), std::max(0.0, at(percentile / 100.0))};
}

// Every n-th, so that at most kMost are left for the search.
std::vector<float> thinned(std::span<const float> samples) {
  constexpr size_t kMost = 8192;
  const size_t stride = (samples.size() + kMost - 1) / kMost;
  std::vector<float> some;
  for (size_t i = 0; i < samples.size(); i += stride) some.push_back(samples[i]);
  return some;
}

}  // namespace

ActivationFit fit_activation(std::span<const float> samples, const QuantSpec& spec, const ActivationFitOptions& options,
                             std::optional<Unary> f) {
  if (samples.empty()) return {};
  const Fitter all(samples, spec, f);
  if (options.method == "maximum") return all.of_range(range_of(samples, 100.0));
  if (options.method == "percentile") return all.of_range(range_of(samples, options.percentile));
  if (!f && !spec.is_shifted()) {
    const ScaleFit fit = fit_scale_from_many(samples, spec);
    return {fit.scale, 0, fit.squared_error};
  }
  ActivationFit best = Fitter(thinned(samples), spec, f).best_of(range_of(samples, 100.0));
  best.squared_error = all.error(best);
  return best;
}

}  // namespace carat
