// SPDX-License-Identifier: Apache-2.0
#include "kernels/scalar/step_size.h"
#include "kernels/sums_cuda.h"

namespace carat {
namespace {

using scalar::kElementThreads;
using scalar::StepSums;

struct DeviceGradient : scalar::StepGradient {
  using Loaded = scalar::StepGradient::Loaded;
  __device__ void store(int64_t i, const Loaded& v) const {
    float rises = 0.0F;
    float falls = 0.0F;
    scalar::StepGradient::store(i, v, rises, falls);
  }
};

// A block for every chunk of every row.
__global__ void __launch_bounds__(kElementThreads)
    chunk_kernel(scalar::StepGradient gradient, int64_t size, int64_t chunks, StepSums* parts) {
  const int64_t row = blockIdx.x / chunks;
  const int64_t chunk = blockIdx.x % chunks;
  const StepSums own = scalar::step_thread(gradient, row * size + chunk * scalar::kStepChunk, (row + 1) * size,
                                           static_cast<int>(threadIdx.x));
  const StepSums sums = sum_of_block(own);
  if (threadIdx.x == 0) parts[blockIdx.x] = sums;
}

struct FinishStep {
  StepGradients gradients;
  CARAT_SHARED void operator()(int64_t row, const StepSums& sums) const {
    if (gradients.scale_gradient != nullptr)
      gradients.scale_gradient[row] = scalar::step_result(sums.scale, gradients.factor);
    if (gradients.zero_gradient != nullptr) *gradients.zero_gradient = scalar::step_result(sums.zero, gradients.factor);
  }
};

}  // namespace

void step_values_cuda(const float* x, int64_t n, const StepGrid& grid, float* values, void* stream) {
  launch_elements("step_values", scalar::StepValues{x, scalar::step_numbers(grid, n), values}, n, stream);
}

void step_gradients_cuda(const StepGradients& gradients, int64_t n, const StepGrid& grid, void* workspace,
                         void* stream) {
  scalar::check_gradients(gradients, grid);
  const scalar::StepGradient each = {gradients.g, gradients.x, gradients.dx, scalar::step_numbers(grid, n)};
  if (n == 0) return;
  if (gradients.scale_gradient == nullptr && gradients.zero_gradient == nullptr)
    return launch_elements("step_gradients", DeviceGradient{each}, n, stream);
  const int64_t rows = grid.inverse.count;
  const int64_t chunks = scalar::step_chunks(n / rows);
  auto* parts = static_cast<StepSums*>(workspace);
  launch({"step_gradients", rows * chunks, kElementThreads, stream}, chunk_kernel, each, n / rows, chunks, parts);
  launch_rows("step_gradients", static_cast<const StepSums*>(parts), rows, chunks, FinishStep{gradients}, stream);
}

}  // namespace carat
