// SPDX-License-Identifier: Apache-2.0
// A network that can be asked for its logits: a packed file by its integer executor, any other model by LibTorch.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "models/packed/packed_model.h"

namespace carat {

class Predictor {
 public:
  virtual ~Predictor() = default;

  virtual const ModelGraph& graph() const = 0;
  // pixels: uint8 {count, C, H, W} of the graph's input. Logits {count, classes}.
  virtual std::vector<float> logits(const std::vector<uint8_t>& pixels, int64_t count) = 0;
  // Images that are best asked for at once.
  virtual int64_t batch() const { return 100; }
  // How the numbers come about, for the report: "integer codes of the packed file, 2 threads".
  virtual std::string describe() const = 0;
};

// device: cpu; cuda, which throws Error where CudaExecutor does; auto, which is the CPU.
std::unique_ptr<Predictor> packed_predictor(const PackedModel& packed, const std::string& device, int64_t threads);

}  // namespace carat
