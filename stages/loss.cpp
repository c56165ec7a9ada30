// SPDX-License-Identifier: Apache-2.0
#include "stages/loss.h"

#include <torch/torch.h>

namespace carat {
namespace {

at::Tensor cross_entropy(const at::Tensor& logits, const Targets& targets, double smoothing) {
  if (!targets.shares.defined())
    return at::cross_entropy_loss(logits, targets.labels, {}, at::Reduction::Mean, -100, smoothing);
  const auto each = [&](const at::Tensor& labels) {
    return at::cross_entropy_loss(logits, labels, {}, at::Reduction::None, -100, smoothing);
  };
  return (targets.shares * each(targets.labels) + (1.0 - targets.shares) * each(targets.other)).mean();
}

}  // namespace

Targets targets_of(const Batch& batch, const at::Device& device) {
  Targets targets;
  targets.labels = torch::tensor(c10::ArrayRef<int64_t>(batch.labels)).to(device);
  if (batch.shares.empty()) return targets;
  targets.other = torch::tensor(c10::ArrayRef<int64_t>(batch.other_labels)).to(device);
  targets.shares = torch::tensor(c10::ArrayRef<float>(batch.shares)).to(device);
  return targets;
}

at::Tensor training_loss(const at::Tensor& logits, const Targets& targets, const at::Tensor& teacher_logits,
                         const LossOptions& options) {
  const double share = teacher_logits.defined() ? options.distillation : 0.0;
  at::Tensor loss = torch::zeros({1}, logits.options()).squeeze();
  if (share < 1.0) loss = loss + (1.0 - share) * cross_entropy(logits, targets, options.label_smoothing);
  if (share > 0.0) {
    const double t = options.temperature;
    const at::Tensor student = at::log_softmax(logits / t, 1);
    const at::Tensor teacher = at::log_softmax(teacher_logits / t, 1);
    const at::Tensor divergence = (teacher.exp() * (teacher - student)).sum(1).mean();
    loss = loss + share * t * t * divergence;
  }
  return loss;
}

}  // namespace carat
