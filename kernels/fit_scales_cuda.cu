// SPDX-License-Identifier: Apache-2.0
// A block of 256 threads, one per lane, fits one kernel.
#include "kernels/fit_scales.h"
#include "kernels/launch_cuda.h"
#include "kernels/scalar/fit_scales.h"

namespace carat {
namespace {

struct Larger {
  __device__ double operator()(double a, double b) const { return b > a ? b : a; }
};
struct Plus {
  __device__ double operator()(double a, double b) const { return scalar::add(a, b); }
};

// The same result in every thread. The barrier at the end lets lanes be written again.
template <typename Combine>
__device__ double block_tree(double* lanes, double own, const Combine& combine) {
  const int lane = static_cast<int>(threadIdx.x);
  lanes[lane] = own;
  __syncthreads();
  for (int width = scalar::kLanes / 2; width > 0; width /= 2) {
    scalar::tree_level(lanes, width, lane, combine);
    __syncthreads();
  }
  const double result = lanes[0];
  __syncthreads();
  return result;
}

__global__ void __launch_bounds__(scalar::kLanes) fit_kernel(KernelWeights kernels, CodeGrid grid, ScaleFits fits) {
  __shared__ double lanes[scalar::kLanes];
  const int lane = static_cast<int>(threadIdx.x);
  const scalar::FitProblem problem = scalar::fit_problem(kernels, grid, blockIdx.x);
  const double largest = block_tree(lanes, scalar::lane_largest(problem, lane), Larger());
  double scale = 1.0;
  double error = 0.0;
  if (largest != 0.0) {
    scale = scalar::first_scale(largest, grid);
    for (int round = 0; round < scalar::kFitRounds; ++round) {
      const scalar::FitSums own = scalar::lane_sums(problem, scale, lane);
      const double wq = block_tree(lanes, own.wq, Plus());
      const double qq = block_tree(lanes, own.qq, Plus());
      const double next = scalar::next_scale({wq, qq}, scale);
      const bool settled = next == scale;
      scale = next;
      if (settled) break;
    }
    error = block_tree(lanes, scalar::lane_error(problem, scale, lane), Plus());
  }
  if (lane == 0) {
    fits.scales[blockIdx.x] = scale;
    fits.squared_errors[blockIdx.x] = error;
  }
}

}  // namespace

void fit_scales_cuda(const KernelWeights& kernels, const CodeGrid& grid, const ScaleFits& fits, void* stream) {
  if (grid.rounding == CodeRounding::stochastic)
    throw Error("fit_scales: expected half_even or half_away, got stochastic");
  if (kernels.kernels == 0) return;
  launch({"fit_scales", kernels.kernels, scalar::kLanes, stream}, fit_kernel, kernels, grid, fits);
}

}  // namespace carat
