// SPDX-License-Identifier: Apache-2.0
// What a lane does in kernels/fit_scales.h.
#pragma once

#include <cmath>

#include "kernels/fit_scales.h"
#include "kernels/scalar/portable.h"

namespace carat::scalar {

constexpr int kLanes = 256;
constexpr int kFitRounds = 100;

// The weights of one kernel.
struct FitProblem {
  const float* weights;
  const uint8_t* kept;
  int64_t size;
  CodeGrid grid;
};

CARAT_SHARED FitProblem fit_problem(const KernelWeights& kernels, const CodeGrid& grid, int64_t kernel) {
  const int64_t first = kernel * kernels.size;
  return {kernels.weights + first, kernels.kept == nullptr ? nullptr : kernels.kept + first, kernels.size, grid};
}

CARAT_SHARED double kept_weight(const FitProblem& problem, int64_t i) {
  return problem.kept == nullptr || problem.kept[i] != 0 ? static_cast<double>(problem.weights[i]) : 0.0;
}

CARAT_SHARED double fit_code(double weight, double scale, const CodeGrid& grid) {
  const double position = divide(weight, scale);
  const double whole = grid.rounding == CodeRounding::half_even ? rint(position) : round(position);
  const auto lowest = static_cast<double>(grid.lowest);
  const auto highest = static_cast<double>(grid.highest);
  return whole < lowest ? lowest : whole > highest ? highest : whole;
}

CARAT_SHARED double lane_largest(const FitProblem& problem, int lane) {
  double largest = 0.0;
  for (int64_t i = lane; i < problem.size; i += kLanes) {
    const double magnitude = fabs(kept_weight(problem, i));
    if (magnitude > largest) largest = magnitude;
  }
  return largest;
}

struct FitSums {
  double wq;
  double qq;
};

CARAT_SHARED FitSums lane_sums(const FitProblem& problem, double scale, int lane) {
  FitSums sums = {0.0, 0.0};
  for (int64_t i = lane; i < problem.size; i += kLanes) {
    const double weight = kept_weight(problem, i);
    const double code = fit_code(weight, scale, problem.grid);
    sums.wq = add(sums.wq, multiply(weight, code));
    sums.qq = add(sums.qq, multiply(code, code));
  }
  return sums;
}

CARAT_SHARED double lane_error(const FitProblem& problem, double scale, int lane) {
  double error = 0.0;
  for (int64_t i = lane; i < problem.size; i += kLanes) {
    const double weight = kept_weight(problem, i);
    const double difference = add(weight, -multiply(scale, fit_code(weight, scale, problem.grid)));
    error = add(error, multiply(difference, difference));
  }
  return error;
}

CARAT_SHARED double first_scale(double largest, const CodeGrid& grid) {
  return divide(largest, static_cast<double>(grid.highest));
}

// The scale after a round; the same one ends the search.
CARAT_SHARED double next_scale(const FitSums& sums, double scale) {
  return sums.qq == 0.0 || sums.wq <= 0.0 ? scale : divide(sums.wq, sums.qq);
}

// One level of the tree for one lane; the levels are separated by a barrier.
template <typename Combine>
CARAT_SHARED void tree_level(double* lanes, int width, int lane, const Combine& combine) {
  if (lane < width) lanes[lane] = combine(lanes[lane], lanes[lane + width]);
}

}  // namespace carat::scalar
