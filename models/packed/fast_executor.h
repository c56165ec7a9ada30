// SPDX-License-Identifier: Apache-2.0
// Runs a packed model on integer codes, fast: SIMD over pixels, zero weights skipped, element-wise layers applied while
// sums are in the cache, memory planned by liveness. Bit-equal to the ReferenceExecutor. No LibTorch.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "models/packed/reference_executor.h"

namespace carat {

struct ExecutionPlan;

class FastExecutor {
 public:
  // Proves for every layer that no integer leaves its register. Throws Error otherwise, see integer_range.h.
  explicit FastExecutor(const PackedModel& packed);
  ~FastExecutor();

  // images {count, C, H, W}; logits {count, classes}. Images are shared between threads; the result does not depend on
  // their number.
  void run(const uint8_t* images, int64_t count, float* logits, int64_t threads) const;
  // One image; the observer sees the layers whose results lie in memory.
  void run_observed(const uint8_t* image, float* logits, const LayerObserver& observer) const;
  // The most likely class (the first of equals) of every image. Throws Error when pixels do not make whole images.
  std::vector<int64_t> predict(std::span<const uint8_t> pixels, int64_t threads) const;

  // Bytes that one image needs besides the weights.
  int64_t workspace_bytes() const;
  // Nanoseconds of the last single-threaded run by kind of step: sums of convolutions, element-wise rows, others.
  struct Profile {
    int64_t sums = 0;
    int64_t rows = 0;
    int64_t others = 0;
  };
  // Like run on one thread, with the time of every kind of step.
  Profile profile(const uint8_t* images, int64_t count, float* logits) const;

 private:
  std::unique_ptr<ExecutionPlan> plan_;
};

}  // namespace carat
