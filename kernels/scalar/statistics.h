// SPDX-License-Identifier: Apache-2.0
// Shared parts of kernels/statistics.h.
#pragma once

#include <cmath>

#include "kernels/scalar/elementwise.h"
#include "kernels/statistics.h"

namespace carat::scalar {

// Bins as the kernels need them.
struct Bins {
  float lowest;
  float inverse_width;
  int count;
};

// -1 for a NaN.
CARAT_SHARED int bin_of(float x, const Bins& bins) {
  if (x != x) return -1;
  const float position = multiply(add(x, -bins.lowest), bins.inverse_width);
  if (!(position > 0.0F)) return 0;
  return position < static_cast<float>(bins.count) ? static_cast<int>(position) : bins.count - 1;
}

CARAT_SHARED uint64_t quantile_rank(double share, uint64_t total) {
  const double rank = ceil(multiply(share, static_cast<double>(total)));
  return rank < 1.0 ? 1 : rank < static_cast<double>(total) ? static_cast<uint64_t>(rank) : total;
}

CARAT_SHARED float upper_edge(const HistogramBins& bins, int64_t bin) {
  const double width = add(static_cast<double>(bins.highest), -static_cast<double>(bins.lowest));
  const double share = divide(multiply(static_cast<double>(bin + 1), width), static_cast<double>(bins.count));
  return static_cast<float>(add(static_cast<double>(bins.lowest), share));
}

// Radix select of the k-th largest: after the passes of shift 24, 16, 8 and 0 the prefix is the answer's bits.
struct Selection {
  uint32_t prefix;
  uint32_t known;      // bits of the prefix that are decided
  uint64_t remaining;  // rank among the keys with this prefix
};

constexpr int kDigits = 256;

CARAT_SHARED uint32_t magnitude_key(float x) { return bits_of(x) & 0x7FFFFFFFU; }

// The digit of a key that is still in the race, else -1.
CARAT_SHARED int digit_of(uint32_t key, const Selection& selection, int shift) {
  return (key & selection.known) == selection.prefix ? static_cast<int>(key >> shift & 0xFFU) : -1;
}

CARAT_SHARED Selection choose_digit(const uint64_t* counts, Selection selection, int shift) {
  int digit = kDigits - 1;
  while (digit > 0 && selection.remaining > counts[digit]) selection.remaining -= counts[digit--];
  selection.prefix |= static_cast<uint32_t>(digit) << shift;
  selection.known |= 0xFFU << shift;
  return selection;
}

struct ThresholdMask {
  const float* x;
  const float* threshold;
  uint8_t* mask;
  using Loaded = float;
  CARAT_SHARED float load(int64_t i) const { return x[i]; }
  CARAT_SHARED void store(int64_t i, float value) const {
    mask[i] = magnitude_key(value) >= magnitude_key(*threshold) ? 1 : 0;
  }
};

// Throws Error for bins that are not as said.
Bins checked_bins(const HistogramBins& bins);
void check_rank(int64_t n, int64_t k);

}  // namespace carat::scalar
