// SPDX-License-Identifier: Apache-2.0
// Accuracy and loss of a network on images.
#pragma once

#include <cstdint>
#include <vector>

#include "data/loader.h"
#include "models/net/network.h"

namespace carat {

struct Evaluation {
  int64_t correct = 0;
  int64_t total = 0;
  double loss = 0.0;  // mean cross entropy in nats

  double accuracy() const { return total == 0 ? 0.0 : static_cast<double>(correct) / static_cast<double>(total); }
};

// Images by index; an empty list means all. Skipped unreadable images are left out of the total.
Evaluation evaluate(Network& network, const Dataset& images, const std::vector<int64_t>& indices = {},
                    Mode mode = Mode::evaluate);

// Logits of a batch of these images, row-major float32.
std::vector<float> logits_of(Network& network, const Dataset& images, const Batch& batch, Mode mode);

// uint8 {N, C, H, W} over the batch's memory, copied to the device.
at::Tensor pixels_of(const std::vector<uint8_t>& pixels, const Dataset& images, const at::Device& device);

}  // namespace carat
