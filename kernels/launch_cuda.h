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

inline cudaStream_t stream_of(void* stream) { return static_cast<cudaStream_t>(stream); }

inline void check_launch(const char* kernel) { check_cuda(cudaGetLastError(), kernel); }

struct Grid {
  const char* kernel;  // for messages
  int64_t blocks;
  int threads;
  void* stream;
};

// Launches a __global__ function. Compiled as C++, beside a header cuda_runtime.h that emulates CUDA, it runs on the
// CPU. Throws Error when the launch fails.
template <typename... Parameters, typename... Arguments>
void launch(const Grid& grid, void (*kernel)(Parameters...), Arguments... arguments) {
  constexpr int64_t kMost = 2147483647;
  if (grid.blocks > kMost)
    throw Error(std::string(grid.kernel) + ": expected at most 2147483647 blocks, got " + std::to_string(grid.blocks));
  const auto blocks = static_cast<unsigned>(grid.blocks);
#ifdef __CUDACC__
  kernel<<<blocks, grid.threads, 0, stream_of(grid.stream)>>>(arguments...);
#else
  emulate_launch(blocks, static_cast<unsigned>(grid.threads), [&] { kernel(arguments...); });
#endif
  check_launch(grid.kernel);
}

template <typename Operation>
__global__ void __launch_bounds__(scalar::kElementThreads) element_kernel(Operation operation, int64_t n) {
  scalar::run_elements(operation, n, blockIdx.x, static_cast<int>(threadIdx.x));
}

template <typename Operation>
void launch_elements(const char* name, const Operation& operation, int64_t n, void* stream) {
  if (n == 0) return;
  launch({name, scalar::element_blocks(n), scalar::kElementThreads, stream}, element_kernel<Operation>, operation, n);
}

}  // namespace carat
