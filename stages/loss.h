// SPDX-License-Identifier: Apache-2.0
// What training minimises.
#pragma once

#include <ATen/core/Tensor.h>

#include "data/batch.h"

namespace carat {

// Labels on the device; other and shares are undefined where images are not mixed.
struct Targets {
  at::Tensor labels;
  at::Tensor other;
  at::Tensor shares;
};
Targets targets_of(const Batch& batch, const at::Device& device);

struct LossOptions {
  double label_smoothing = 0.0;
  double distillation = 0.0;
  double temperature = 1.0;
};

// (1 - d) * mean cross entropy + d * t^2 * KL(teacher || student) at temperature t, in nats; d = 0 without a teacher
// (teacher_logits undefined). Cross entropy of a mixed image: share * CE(label) + (1 - share) * CE(other).
// logits {N, classes}. Source: Hinton et al. 2015, section 2; Zhang et al. 2018 (mixup), published code.
at::Tensor training_loss(const at::Tensor& logits, const Targets& targets, const at::Tensor& teacher_logits,
                         const LossOptions& options);

}  // namespace carat
