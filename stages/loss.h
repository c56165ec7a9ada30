// SPDX-License-Identifier: Apache-2.0
// What training minimises.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

#include "config/options.h"
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
  double distillation = 0.0;  // share of the loss that follows the teacher
  double temperature = 1.0;
  // kl_teacher_student: KL(teacher || student), Hinton et al. 2015; kl_student_teacher: KL(student || teacher), the
  // 2019 winners' on CIFAR-100; label_refinery: cross entropy with the teacher's softmax as label, Bagherinezhad et al.
  // 2018.
  std::string divergence = "kl_teacher_student";
  double feature_weight = 0.0;              // of the mean-square difference at feature_layers
  std::vector<std::string> feature_layers;  // results compared with the first teacher's layers of the same names

  bool needs_teacher() const { return distillation > 0.0 || feature_weight > 0.0; }
  void describe(OptionTable& table);
};

// (1 - d) * mean cross entropy + d * t^2 * divergence of the softmaxes at temperature t, in nats; d = 0 without a
// teacher (teacher_logits undefined). Cross entropy of a mixed image: share * CE(label) + (1 - share) * CE(other).
// logits {N, classes}. Source: Hinton et al. 2015, section 2; Zhang et al. 2018 (mixup), published code.
at::Tensor training_loss(const at::Tensor& logits, const Targets& targets, const at::Tensor& teacher_logits,
                         const LossOptions& options);

// feature_weight * mean over the layers of the mean-square difference. Source: Romero et al. 2015 (FitNets), eq. 3
// without a regressor: the layers have one shape. Throws Error naming a layer whose shapes differ.
at::Tensor feature_loss(const std::map<std::string, at::Tensor>& student,
                        const std::map<std::string, at::Tensor>& teacher, const LossOptions& options);

}  // namespace carat
