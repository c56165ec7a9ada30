// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/fail.h"
#include "base/parallel.h"
#include "kernels/scalar/step_size.h"

namespace carat {

using scalar::StepSums;
scalar::StepNumbers scalar::step_numbers(const StepGrid& grid, int64_t n) {
  require(grid.scales.values == nullptr || grid.scales.count == grid.inverse.count,
          "step_size: expected as many scales as inverses, got {} and {}", grid.scales.count, grid.inverse.count);
  require(grid.codes.rounding != CodeRounding::stochastic, "step_size: expected half_even or half_away rounding");
  const Scales inverse = scales_of("step_size", grid.inverse, n);
  Scales scales = inverse;
  scales.values = grid.scales.values;
  return {inverse, scales, grid.zero_point, grid.codes};
}

void scalar::check_gradients(const StepGradients& gradients, const StepGrid& grid) {
  require(gradients.zero_gradient == nullptr || grid.inverse.count == 1,
          "step_size: expected one scale beside a zero point's gradient, got {}", grid.inverse.count);
}

void step_values(const float* x, int64_t n, const StepGrid& grid, float* values, int64_t threads) {
  const scalar::StepValues each = {x, scalar::step_numbers(grid, n), values};
  const int64_t parts = scalar::step_chunks(n);
  parallel_ranges(parts, threads, [&](int64_t first, int64_t last) {
    for (int64_t i = first * scalar::kStepChunk; i < std::min(n, last * scalar::kStepChunk); ++i)
      each.store(i, each.load(i));
  });
}

int64_t step_workspace(int64_t n, int64_t count) {
  return count * scalar::step_chunks(n / count) * static_cast<int64_t>(sizeof(StepSums));
}

void step_gradients(const StepGradients& gradients, int64_t n, const StepGrid& grid, void* workspace, int64_t threads) {
  scalar::check_gradients(gradients, grid);
  const scalar::StepGradient each = {gradients.g, gradients.x, gradients.dx, scalar::step_numbers(grid, n)};
  const int64_t rows = grid.inverse.count;
  const int64_t size = n / rows;
  const int64_t count = scalar::step_chunks(size);
  auto* chunks = static_cast<StepSums*>(workspace);
  parallel_ranges(rows * count, threads, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      const int64_t row = i / count;
      const int64_t begin = row * size + i % count * scalar::kStepChunk;
      chunks[i] = scalar::sum_of_threads<StepSums>(
          [&](int thread) { return scalar::step_thread(each, begin, (row + 1) * size, thread); });
    }
  });
  for (int64_t row = 0; row < rows; ++row) {
    const StepSums sums = scalar::sum_in_order(chunks + row * count, count);
    if (gradients.scale_gradient != nullptr)
      gradients.scale_gradient[row] = scalar::step_result(sums.scale, gradients.factor);
    if (gradients.zero_gradient != nullptr) *gradients.zero_gradient = scalar::step_result(sums.zero, gradients.factor);
  }
}

}  // namespace carat
