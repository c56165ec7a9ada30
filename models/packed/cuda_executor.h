// SPDX-License-Identifier: Apache-2.0
// Runs a packed model on integer codes on a CUDA device: batches of images on one stream, weights uploaded once.
// Bit-equal to the ReferenceExecutor. No LibTorch.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "kernels/device.h"
#include "models/packed/reference_executor.h"

namespace carat {

struct CudaPlan;

class CudaExecutor {
 public:
  // Throws Error without a CUDA device or without CUDA kernels in this build, for the layer whose weights or input
  // codes are wider than 8 bits, and where an integer could leave its register (integer_range.h).
  explicit CudaExecutor(const PackedModel& packed);
  ~CudaExecutor();

  // images {count, C, H, W}; logits {count, classes}, both on the host. One caller at a time, others wait.
  void run(const uint8_t* images, int64_t count, float* logits) const;
  // One image; the observer sees the layers whose results lie in memory, as {C, H, W}.
  void run_observed(const uint8_t* image, float* logits, const LayerObserver& observer) const;
  // The most likely class (the first of equals) of every image. Throws Error when pixels do not make whole images.
  std::vector<int64_t> predict(std::span<const uint8_t> pixels) const;

  // Images of a launch.
  int64_t batch() const;
  // "NVIDIA H100 80GB HBM3, sm_90".
  std::string device() const { return cuda_device_name(); }

 private:
  void load(const uint8_t* images, int64_t count) const;
  std::vector<float> values(size_t layer, int64_t count) const;

  std::unique_ptr<CudaPlan> plan_;
  std::unique_ptr<DeviceStream> stream_;
  mutable std::mutex mutex_;
};

}  // namespace carat
