// SPDX-License-Identifier: Apache-2.0
// Runs a packed model on integer codes, as plainly as it can be said: int32 sums of codes, Scale layers in their
// declared arithmetic, what stays in floating point by the specifications of kernels/. What the fast executor must
// equal.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "kernels/convolve_codes.h"
#include "models/packed/code_flow.h"
#include "models/packed/packed_model.h"

namespace carat {

// Sees the result {C, H, W} of a layer; codes and sums are whole numbers.
using LayerObserver = std::function<void(size_t layer, const std::vector<float>& values)>;

class ReferenceExecutor {
 public:
  // Proves for every layer that no integer leaves its register. Throws Error otherwise, see integer_range.h.
  explicit ReferenceExecutor(const PackedModel& packed);

  // images {count, C, H, W}; logits {count, classes}. Images are shared between threads; the result does not depend on
  // their number.
  void run(const uint8_t* images, int64_t count, float* logits, int64_t threads) const;
  // One image {C, H, W}.
  void run_observed(const uint8_t* image, float* logits, const LayerObserver& observer) const;

 private:
  Model model_;
  CodeFlow flow_;
  std::vector<SparseKernels> kernels_;  // of layers that multiply codes by codes
};

}  // namespace carat
