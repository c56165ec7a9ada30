// SPDX-License-Identifier: Apache-2.0
#include "kernels/statistics.h"

#include <algorithm>
#include <limits>

#include "base/fail.h"
#include "kernels/scalar/statistics.h"

namespace carat {

scalar::Bins scalar::checked_bins(const HistogramBins& bins) {
  require(bins.count >= 1 && bins.count <= kMostBins, "histogram: expected 1 to {} bins, got {}", kMostBins,
          bins.count);
  const double width = static_cast<double>(bins.highest) - static_cast<double>(bins.lowest);
  require(width > 0.0 && std::isfinite(width), "histogram: expected lowest < highest, got {} and {}", bins.lowest,
          bins.highest);
  return {bins.lowest, static_cast<float>(static_cast<double>(bins.count) / width), static_cast<int>(bins.count)};
}

void scalar::check_rank(int64_t n, int64_t k) {
  require(k >= 1 && k <= n, "kth_magnitude: expected k from 1 to {}, got {}", n, k);
}

void extremes(const float* x, int64_t n, Extremes* result) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  *result = {kInfinity, -kInfinity};
  for (int64_t i = 0; i < n; ++i) {
    const float value = x[i] + 0.0F;
    if (value < result->lowest) result->lowest = value;
    if (value > result->highest) result->highest = value;
  }
}

void histogram(const float* x, int64_t n, const HistogramBins& bins, uint64_t* counts) {
  const scalar::Bins checked = scalar::checked_bins(bins);
  std::fill_n(counts, bins.count, uint64_t{0});
  for (int64_t i = 0; i < n; ++i)
    if (const int bin = scalar::bin_of(x[i], checked); bin >= 0) ++counts[bin];
}

void quantile(const uint64_t* counts, const HistogramBins& bins, double share, float* result) {
  scalar::checked_bins(bins);
  uint64_t total = 0;
  for (int64_t bin = 0; bin < bins.count; ++bin) total += counts[bin];
  *result = bins.lowest;
  if (total == 0) return;
  uint64_t below = scalar::quantile_rank(share, total);
  int64_t bin = 0;
  while (below > counts[bin]) below -= counts[bin++];
  *result = scalar::upper_edge(bins, bin);
}

void kth_magnitude(const float* x, int64_t n, int64_t k, float* result) {
  scalar::check_rank(n, k);
  scalar::Selection selection = {0, 0, static_cast<uint64_t>(k)};
  for (int shift = 24; shift >= 0; shift -= 8) {
    uint64_t counts[scalar::kDigits] = {};
    for (int64_t i = 0; i < n; ++i)
      if (const int digit = scalar::digit_of(scalar::magnitude_key(x[i]), selection, shift); digit >= 0)
        ++counts[digit];
    selection = scalar::choose_digit(counts, selection, shift);
  }
  *result = scalar::float_of(selection.prefix);
}

void threshold_mask(const float* x, int64_t n, const float* threshold, uint8_t* mask) {
  scalar::run_on_cpu(scalar::ThresholdMask{x, threshold, mask}, n);
}

}  // namespace carat
