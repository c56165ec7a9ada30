// SPDX-License-Identifier: Apache-2.0
// The same work again and again on a GPU: captured into a CUDA graph once, then replayed, so that thousands of small
// kernels do not wait for the CPU to launch them. Elsewhere the work is simply done.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Stream.h>

#include <cstdint>
#include <functional>
#include <optional>

namespace carat {

// A stream of its own for this thread's work on a GPU, as long as it lives: LibTorch's usual one cannot be captured.
class OwnStream {
 public:
  explicit OwnStream(const at::Device& device);
  ~OwnStream();
  OwnStream(const OwnStream&) = delete;
  OwnStream& operator=(const OwnStream&) = delete;

 private:
  std::optional<c10::Stream> own_, before_;
};

class StepGraph {
 public:
  // is_wanted false: never captures. Neither does a CPU, nor a build without the CUDA toolkit.
  StepGraph(const at::Device& device, bool is_wanted);
  ~StepGraph();
  StepGraph(const StepGraph&) = delete;
  StepGraph& operator=(const StepGraph&) = delete;

  // Does the work. It must launch the same operations on the same tensors whenever `state` is the same, read nothing
  // back from the device and change nothing on the host; another state is captured anew. The first calls of a state are
  // plain, for what operations set up once. Needs an OwnStream.
  void run(uint64_t state, const std::function<void()>& work);

  bool is_captured() const { return graph_ != nullptr; }

 private:
  void drop();

  bool is_wanted_;
  uint64_t state_ = 0;
  int64_t plain_runs_ = 0;
  void* graph_ = nullptr;
};

}  // namespace carat
