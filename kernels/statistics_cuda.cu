// SPDX-License-Identifier: Apache-2.0
#include "kernels/launch_cuda.h"
#include "kernels/scalar/statistics.h"
#include "kernels/statistics.h"

namespace carat {
namespace {

constexpr int kThreads = 256;
constexpr int kMostBlocks = 1056;  // eight for each of 132 multiprocessors; the loops cover any n

int64_t blocks_for(int64_t n) {
  const int64_t blocks = (n + kThreads - 1) / kThreads;
  return blocks < kMostBlocks ? blocks : kMostBlocks;
}

// Calls work(x[i]) for the thread's share of x.
template <typename Work>
__device__ void for_own(const float* x, int64_t n, const Work& work) {
  const int64_t step = static_cast<int64_t>(gridDim.x) * kThreads;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x; i < n; i += step) work(x[i]);
}

__global__ void start_extremes(Extremes* result) {
  *result = {scalar::float_of(0x7F800000U), scalar::float_of(0xFF800000U)};
}

// Floats of one sign are ordered as their bits: upwards for +, downwards for -.
__device__ void lower(float* address, float value) {
  if (signbit(value))
    atomicMax(reinterpret_cast<unsigned*>(address), __float_as_uint(value));
  else
    atomicMin(reinterpret_cast<int*>(address), __float_as_int(value));
}

__device__ void raise(float* address, float value) {
  if (signbit(value))
    atomicMin(reinterpret_cast<unsigned*>(address), __float_as_uint(value));
  else
    atomicMax(reinterpret_cast<int*>(address), __float_as_int(value));
}

__global__ void __launch_bounds__(kThreads) extremes_kernel(const float* x, int64_t n, Extremes* result) {
  __shared__ Extremes block;
  if (threadIdx.x == 0) block = {scalar::float_of(0x7F800000U), scalar::float_of(0xFF800000U)};
  __syncthreads();
  Extremes own = {scalar::float_of(0x7F800000U), scalar::float_of(0xFF800000U)};
  for_own(x, n, [&](float raw) {
    const float value = scalar::add(raw, 0.0F);
    if (value < own.lowest) own.lowest = value;
    if (value > own.highest) own.highest = value;
  });
  lower(&block.lowest, own.lowest);
  raise(&block.highest, own.highest);
  __syncthreads();
  if (threadIdx.x != 0) return;
  lower(&result->lowest, block.lowest);
  raise(&result->highest, block.highest);
}

using Count = unsigned long long;  // what atomicAdd takes

__global__ void __launch_bounds__(kThreads)
    histogram_kernel(const float* x, int64_t n, scalar::Bins bins, Count* counts) {
  __shared__ unsigned local[kMostBins];
  for (int bin = static_cast<int>(threadIdx.x); bin < bins.count; bin += kThreads) local[bin] = 0;
  __syncthreads();
  for_own(x, n, [&](float value) {
    if (const int bin = scalar::bin_of(value, bins); bin >= 0) atomicAdd(local + bin, 1U);
  });
  __syncthreads();
  for (int bin = static_cast<int>(threadIdx.x); bin < bins.count; bin += kThreads)
    if (local[bin] != 0) atomicAdd(counts + bin, static_cast<Count>(local[bin]));
}

// Every thread sums a run of bins; thread 0 finds the run, then the bin.
__global__ void __launch_bounds__(kThreads)
    quantile_kernel(const uint64_t* counts, HistogramBins bins, double share, float* result) {
  __shared__ uint64_t sums[kThreads];
  const int64_t run = (bins.count + kThreads - 1) / kThreads;
  const int64_t end = (threadIdx.x + 1) * run < bins.count ? (threadIdx.x + 1) * run : bins.count;
  uint64_t sum = 0;
  for (int64_t bin = threadIdx.x * run; bin < end; ++bin) sum += counts[bin];
  sums[threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.x != 0) return;
  uint64_t total = 0;
  for (const uint64_t part : sums) total += part;
  *result = bins.lowest;
  if (total == 0) return;
  uint64_t below = scalar::quantile_rank(share, total);
  int64_t bin = 0;
  for (int thread = 0; below > sums[thread]; ++thread, bin += run) below -= sums[thread];
  while (below > counts[bin]) below -= counts[bin++];
  *result = scalar::upper_edge(bins, bin);
}

struct SelectWorkspace {
  Count counts[scalar::kDigits];
  scalar::Selection selection;
};
static_assert(sizeof(SelectWorkspace) == kSelectBytes);

__global__ void start_selection(SelectWorkspace* work, uint64_t k) {
  work->counts[threadIdx.x] = 0;
  if (threadIdx.x == 0) work->selection = {0, 0, k};
}

__global__ void __launch_bounds__(kThreads) count_digits(const float* x, int64_t n, SelectWorkspace* work, int shift) {
  __shared__ unsigned local[scalar::kDigits];
  local[threadIdx.x] = 0;
  __syncthreads();
  const scalar::Selection selection = work->selection;
  for_own(x, n, [&](float value) {
    const int digit = scalar::digit_of(scalar::magnitude_key(value), selection, shift);
    if (digit >= 0) atomicAdd(local + digit, 1U);
  });
  __syncthreads();
  if (local[threadIdx.x] != 0) atomicAdd(work->counts + threadIdx.x, static_cast<Count>(local[threadIdx.x]));
}

// Also clears the counts for the next pass.
__global__ void choose_digit_kernel(SelectWorkspace* work, int shift, float* result) {
  __shared__ uint64_t counts[scalar::kDigits];
  counts[threadIdx.x] = work->counts[threadIdx.x];
  work->counts[threadIdx.x] = 0;
  __syncthreads();
  if (threadIdx.x != 0) return;
  work->selection = scalar::choose_digit(counts, work->selection, shift);
  *result = scalar::float_of(work->selection.prefix);
}

}  // namespace

void extremes_cuda(const float* x, int64_t n, Extremes* result, void* stream) {
  launch({"extremes", 1, 1, stream}, start_extremes, result);
  if (n != 0) launch({"extremes", blocks_for(n), kThreads, stream}, extremes_kernel, x, n, result);
}

void histogram_cuda(const float* x, int64_t n, const HistogramBins& bins, uint64_t* counts, void* stream) {
  const scalar::Bins checked = scalar::checked_bins(bins);
  const auto size = static_cast<size_t>(bins.count);
  check_cuda(cudaMemsetAsync(counts, 0, size * sizeof(uint64_t), stream_of(stream)), "histogram");
  if (n == 0) return;
  launch({"histogram", blocks_for(n), kThreads, stream}, histogram_kernel, x, n, checked,
         reinterpret_cast<Count*>(counts));
}

void quantile_cuda(const uint64_t* counts, const HistogramBins& bins, double share, float* result, void* stream) {
  scalar::checked_bins(bins);
  launch({"quantile", 1, kThreads, stream}, quantile_kernel, counts, bins, share, result);
}

void kth_magnitude_cuda(const float* x, int64_t n, int64_t k, float* result, void* workspace, void* stream) {
  scalar::check_rank(n, k);
  auto* work = static_cast<SelectWorkspace*>(workspace);
  launch({"kth_magnitude", 1, scalar::kDigits, stream}, start_selection, work, static_cast<uint64_t>(k));
  for (int shift = 24; shift >= 0; shift -= 8) {
    launch({"kth_magnitude", blocks_for(n), kThreads, stream}, count_digits, x, n, work, shift);
    launch({"kth_magnitude", 1, scalar::kDigits, stream}, choose_digit_kernel, work, shift, result);
  }
}

void threshold_mask_cuda(const float* x, int64_t n, const float* threshold, uint8_t* mask, void* stream) {
  launch_elements("threshold_mask", scalar::ThresholdMask{x, threshold, mask}, n, stream);
}

}  // namespace carat
