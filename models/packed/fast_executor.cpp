// SPDX-License-Identifier: Apache-2.0
#include "models/packed/fast_executor.h"

#include <algorithm>
#include <chrono>

#include "base/fail.h"
#include "base/parallel.h"
#include "models/packed/execution_plan.h"
#include "models/packed/most_likely.h"
#include "models/packed/step_runner.h"

namespace carat {

FastExecutor::FastExecutor(const PackedModel& packed) : plan_(std::make_unique<ExecutionPlan>(packed)) {}

FastExecutor::~FastExecutor() = default;

int64_t FastExecutor::workspace_bytes() const { return plan_->workspace_bytes; }

void FastExecutor::run(const uint8_t* images, int64_t count, float* logits, int64_t threads) const {
  const int64_t image = plan_->model.graph.input().input_shape.elements();
  const int64_t classes = plan_->model.graph.classes();
  parallel_ranges(count, threads, [&](int64_t begin, int64_t end) {
    StepRunner runner(*plan_);
    for (int64_t i = begin; i < end; ++i) {
      runner.load(images + i * image);
      for (const PlannedStep& step : plan_->steps) runner.run(step);
      std::copy_n(runner.floats(plan_->values.size() - 1), classes, logits + i * classes);
    }
  });
}

void FastExecutor::run_observed(const uint8_t* image, float* logits, const LayerObserver& observer) const {
  StepRunner runner(*plan_);
  runner.load(image);
  observer(0, runner.values(0));
  for (const PlannedStep& step : plan_->steps) {
    runner.run(step);
    observer(step.result, runner.values(step.result));
  }
  std::copy_n(runner.floats(plan_->values.size() - 1), plan_->model.graph.classes(), logits);
}

FastExecutor::Profile FastExecutor::profile(const uint8_t* images, int64_t count, float* logits) const {
  const int64_t image = plan_->model.graph.input().input_shape.elements();
  const int64_t classes = plan_->model.graph.classes();
  Profile profile;
  StepRunner runner(*plan_);
  for (int64_t i = 0; i < count; ++i) {
    runner.load(images + i * image);
    for (const PlannedStep& step : plan_->steps) {
      const auto start = std::chrono::steady_clock::now();
      runner.run(step);
      const int64_t spent =
          std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start).count();
      (step.kind == PlannedStep::Kind::sums   ? profile.sums
       : step.kind == PlannedStep::Kind::rows ? profile.rows
                                              : profile.others) += spent;
    }
    std::copy_n(runner.floats(plan_->values.size() - 1), classes, logits + i * classes);
  }
  return profile;
}

std::vector<int64_t> FastExecutor::predict(std::span<const uint8_t> pixels, int64_t threads) const {
  return most_likely(plan_->model.graph, pixels,
                     [&](int64_t count, float* logits) { run(pixels.data(), count, logits, threads); });
}

}  // namespace carat
