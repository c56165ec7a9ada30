// SPDX-License-Identifier: Apache-2.0
// kernels/scalar/sums.h for the threads of a block.
#pragma once

#include "kernels/launch_cuda.h"
#include "kernels/scalar/sums.h"

namespace carat {

// Every thread of a block of kElementThreads gives its own sum; thread 0 gets that of all.
template <typename T>
__device__ T sum_of_block(const T& own) {
  __shared__ T sums[scalar::kElementThreads];
  const auto thread = static_cast<int>(threadIdx.x);
  sums[thread] = own;
  __syncthreads();
  for (int half = scalar::kElementThreads / 2; half > 0; half /= 2) {
    if (thread < half) sums[thread] = scalar::plus(sums[thread], sums[thread + half]);
    __syncthreads();
  }
  return sums[0];
}

// finish(row, sum) for every row of parts {rows, count}: a block for each.
template <typename T, typename Finish>
__global__ void __launch_bounds__(scalar::kElementThreads) finish_rows(const T* parts, int64_t count, Finish finish) {
  const int64_t row = blockIdx.x;
  const T sum = sum_of_block(scalar::sum_of_thread(parts + row * count, count, static_cast<int>(threadIdx.x)));
  if (threadIdx.x == 0) finish(row, sum);
}

template <typename T, typename Finish>
void launch_rows(const char* name, const T* parts, int64_t rows, int64_t count, const Finish& finish, void* stream) {
  launch({name, rows, scalar::kElementThreads, stream}, finish_rows<T, Finish>, parts, count, finish);
}

}  // namespace carat
