// SPDX-License-Identifier: Apache-2.0
// Statistics of n float32 numbers. NaNs are left out, -0 counts as +0. Results do not depend on any order.
#pragma once

#include <cstdint>

namespace carat {

struct Extremes {
  float lowest;   // +infinity without a number
  float highest;  // -infinity
};
void extremes(const float* x, int64_t n, Extremes* result);

constexpr int kMostBins = 4096;

// count equal bins from lowest to highest: number x is in bin clamp(floor((x - lowest) * inverse_width), 0, count - 1),
// two float32 roundings, inverse_width = float32(count / (highest - lowest)).
struct HistogramBins {
  float lowest;
  float highest;
  int64_t count;  // 1 to kMostBins
};
// counts {count}, overwritten. Throws Error for bins that are not as said.
void histogram(const float* x, int64_t n, const HistogramBins& bins, uint64_t* counts);

// Upper edge of the first bin up to which at least share of the numbers lie (at least one):
// float32(lowest + (bin + 1) * (highest - lowest) / count) in float64. Without numbers: lowest.
void quantile(const uint64_t* counts, const HistogramBins& bins, double share, float* result);

// The k-th largest magnitude, k from 1 to n, exactly: radix select on the bits of |x|, eight at a time. Here a NaN is
// larger than infinity. Throws Error for another k.
void kth_magnitude(const float* x, int64_t n, int64_t k, float* result);
// mask = 1 where |x| >= *threshold, else 0; equal ones all stay.
void threshold_mask(const float* x, int64_t n, const float* threshold, uint8_t* mask);

// Device pointers, results included, on a CUDA stream. Throw Error in a build without CUDA.
void extremes_cuda(const float* x, int64_t n, Extremes* result, void* stream);
void histogram_cuda(const float* x, int64_t n, const HistogramBins& bins, uint64_t* counts, void* stream);
void quantile_cuda(const uint64_t* counts, const HistogramBins& bins, double share, float* result, void* stream);
void threshold_mask_cuda(const float* x, int64_t n, const float* threshold, uint8_t* mask, void* stream);

// workspace: kSelectBytes of device memory, aligned to 8.
constexpr int64_t kSelectBytes = 256 * 8 + 16;
void kth_magnitude_cuda(const float* x, int64_t n, int64_t k, float* result, void* workspace, void* stream);

}  // namespace carat
