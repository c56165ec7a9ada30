// SPDX-License-Identifier: Apache-2.0
#include "kernels/fit_scales.h"

#include <algorithm>

#include "base/fail.h"
#include "kernels/scalar/fit_scales.h"

namespace carat {
namespace {

template <typename Combine>
double tree(double* lanes, const Combine& combine) {
  for (int width = scalar::kLanes / 2; width > 0; width /= 2)
    for (int lane = 0; lane < width; ++lane) scalar::tree_level(lanes, width, lane, combine);
  return lanes[0];
}

double plus(double a, double b) { return scalar::add(a, b); }

double largest_magnitude(const scalar::FitProblem& problem) {
  double lanes[scalar::kLanes];
  for (int lane = 0; lane < scalar::kLanes; ++lane) lanes[lane] = scalar::lane_largest(problem, lane);
  return tree(lanes, [](double a, double b) { return std::max(a, b); });
}

scalar::FitSums sums_of(const scalar::FitProblem& problem, double scale) {
  double wq[scalar::kLanes];
  double qq[scalar::kLanes];
  for (int lane = 0; lane < scalar::kLanes; ++lane) {
    const scalar::FitSums sums = scalar::lane_sums(problem, scale, lane);
    wq[lane] = sums.wq;
    qq[lane] = sums.qq;
  }
  return {tree(wq, plus), tree(qq, plus)};
}

double squared_error(const scalar::FitProblem& problem, double scale) {
  double lanes[scalar::kLanes];
  for (int lane = 0; lane < scalar::kLanes; ++lane) lanes[lane] = scalar::lane_error(problem, scale, lane);
  return tree(lanes, plus);
}

}  // namespace

void fit_scales(const KernelWeights& kernels, const CodeGrid& grid, const ScaleFits& fits) {
  require(grid.rounding != CodeRounding::stochastic, "fit_scales: expected half_even or half_away, got stochastic");
  for (int64_t k = 0; k < kernels.kernels; ++k) {
    const scalar::FitProblem problem = scalar::fit_problem(kernels, grid, k);
    const double largest = largest_magnitude(problem);
    fits.scales[k] = 1.0;
    fits.squared_errors[k] = 0.0;
    if (largest == 0.0) continue;
    double scale = scalar::first_scale(largest, grid);
    for (int round = 0; round < scalar::kFitRounds; ++round) {
      const double next = scalar::next_scale(sums_of(problem, scale), scale);
      const bool settled = next == scale;
      scale = next;
      if (settled) break;
    }
    fits.scales[k] = scale;
    fits.squared_errors[k] = squared_error(problem, scale);
  }
}

}  // namespace carat
