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
  template <typename Sum>
  void finish_tile(const PlannedStep& step, int64_t channel, int64_t begin, int64_t end, const Sum* sums);
  void run_rows(const PlannedStep& step);
  void run_plain(const PlannedStep& step);

  // n results of a channel that lie together, starting at pixel (y, x): into the forms that the value has.
  template <typename X>
  void store(const PlannedStep& step, int64_t channel, int64_t y, int64_t x, int64_t n, const X* values);
  template <typename X, typename Y>
  void store_codes(const PlannedStep& step, int64_t channel, int64_t pixel, int64_t n, const X* values);
  void clear_border(const PlannedValue& value);

  const ExecutionPlan& plan_;
  std::vector<unsigned char> workspace_;
  unsigned char* base_;     // its first cache line
  std::vector<float> row_;  // scratch of RowOps
  std::vector<int32_t> sums_;
};

}  // namespace carat
