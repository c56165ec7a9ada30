// SPDX-License-Identifier: Apache-2.0
// Runs the steps of a plan for one image in a workspace of its own.
#pragma once

#include <vector>

#include "models/packed/execution_plan.h"

namespace carat {

class StepRunner {
 public:
  explicit StepRunner(const ExecutionPlan& plan);

  void load(const uint8_t* image);
  void run(const PlannedStep& step);
  // Values {C, H, W} of a materialized layer.
  std::vector<float> values(size_t layer) const;
  const float* floats(size_t layer) const;

 private:
  template <typename T>
  T* at(int64_t byte) {
    return reinterpret_cast<T*>(base_ + byte);
  }

  void run_sums(const PlannedStep& step);
  template <typename T, typename Sum>
  void run_code_sums(const PlannedStep& step);
  void run_float_sums(const PlannedStep& step);
  void run_rows(const PlannedStep& step);
  void run_plain(const PlannedStep& step);

  // Positions [begin, end) of a channel; rows of the image begin every `row` positions.
  struct Stretch {
    int64_t channel;
    int64_t begin;
    int64_t end;
    int64_t row;
  };
  template <typename Y>
  struct Target {
    Y* plane;
    const Planes& planes;
  };
  // The step's element-wise layers on a stretch, into the forms that the value has; positions between rows are left
  // out.
  template <typename X>
  void store(const PlannedStep& step, const Stretch& at, const X* x);
  template <typename X>
  void put_codes(const PlannedStep& step, const Stretch& at, const X* x);
  template <typename X, typename Y>
  void put(const PlannedStep& step, const Stretch& at, const X* x, const Target<Y>& target);
  void clear_border(const PlannedValue& value);

  const ExecutionPlan& plan_;
  std::vector<unsigned char> workspace_;
  unsigned char* base_;          // its first cache line
  std::vector<float> row_;       // scratch of RowOps
  std::vector<float> finished_;  // results on the way to their rows
  std::vector<int32_t> sums_;
};

}  // namespace carat
