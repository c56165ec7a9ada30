// SPDX-License-Identifier: Apache-2.0
// Launching: grid sizes and errors.
#pragma once

#include <cuda_runtime.h>

#include <string>

#include "base/error.h"
#include "kernels/scalar/elementwise.h"

namespace carat {

inline void check_cuda(cudaError_t status, const char* what) {
  if (status != cudaSuccess) throw Error(std::string(what) + ": " + cudaGetErrorString(status));
}

inline void check_launch(const char* kernel) { check_cuda(cudaGetLastError(), kernel); }

inline cudaStream_t stream_of(void* stream) { return static_cast<cudaStream_t>(stream); }

inline unsigned grid_size(const char* kernel, int64_t blocks) {
  constexpr int64_t kMost = 2147483647;
  if (blocks > kMost)
    throw Error(std::string(kernel) + ": expected at most 2147483647 blocks, got " + std::to_string(blocks));
  return static_cast<unsigned>(blocks);
}

template <typename Operation>
__global__ void __launch_bounds__(scalar::kElementThreads) element_kernel(Operation operation, int64_t n) {
  scalar::run_elements(operation, n, blockIdx.x, static_cast<int>(threadIdx.x));
}

template <typename Operation>
void launch_elements(const char* name, const Operation& operation, int64_t n, void* stream) {
  if (n == 0) return;
  const unsigned blocks = grid_size(name, scalar::element_blocks(n));
  element_kernel<<<blocks, scalar::kElementThreads, 0, stream_of(stream)>>>(operation, n);
  check_launch(name);
}

}  // namespace carat
