// SPDX-License-Identifier: Apache-2.0
// Runs a packed model on integer codes: int32 sums of codes, Scale layers in their declared arithmetic, what stays in
// floating point by the specifications of kernels/. No LibTorch.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "kernels/convolve_codes.h"
#include "models/packed/packed_model.h"

namespace carat {

class IntegerExecutor {
 public:
  // Proves for every layer that no sum of codes leaves int32. Throws Error otherwise.
  explicit IntegerExecutor(const PackedModel& packed);

  // images {count, C, H, W}; logits {count, classes}. Images are shared between threads; the result does not depend on
  // their number.
  void run(const uint8_t* images, int64_t count, float* logits, int64_t threads) const;
  // One image {C, H, W}; observer sees the result {C, H, W} of every layer, codes and sums as whole numbers.
  using Observer = std::function<void(size_t layer, const std::vector<float>& values)>;
  void run_observed(const uint8_t* image, float* logits, const Observer& observer) const;
  // The most likely class (the first of equals) of every image. Throws Error when pixels do not make whole images.
  std::vector<int64_t> predict(std::span<const uint8_t> pixels, int64_t threads) const;

 private:
  struct Values {
    std::vector<float> data;
    bool is_codes = false;
  };
  Values run_layer(size_t index, const std::vector<const Values*>& inputs) const;
  Values run_weights(size_t index, const Values& input) const;
  Window window_of(size_t index) const;

  Model model_;
  bool input_is_codes_;
  std::vector<std::vector<size_t>> inputs_;
  std::vector<size_t> last_use_;
  std::vector<SparseKernels> kernels_;  // of quantized layers, by layer
};

}  // namespace carat
