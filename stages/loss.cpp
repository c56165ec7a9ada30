// SPDX-License-Identifier: Apache-2.0
#include "stages/loss.h"

#include <torch/torch.h>

#include "base/fail.h"
#include "models/net/device.h"

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

void LossOptions::describe(OptionTable& table) {
  table.number("label_smoothing", label_smoothing, {0, 1, "[0, 1)"}, "probability spread over all classes");
  table.number("distillation", distillation, {0, 1, "[0, 1]"}, "share of the loss that follows the teacher");
  table.number("temperature", temperature, {0, 100, "(0, 100]"}, "softmax temperature of the distillation");
  table.choice("divergence", divergence, {"kl_teacher_student", "kl_student_teacher", "label_refinery"},
               "how far the student is from the teacher");
  table.number("feature_weight", feature_weight, {0, 1e9, "[0, 1e9]"},
               "weight of the mean-square difference at feature_layers");
  table.texts("feature_layers", feature_layers, "layers whose results follow the first teacher's");
}

Targets targets_of(const Batch& batch, const at::Device& device) {
  Targets targets;
  targets.labels = sent_to(device, torch::tensor(c10::ArrayRef<int64_t>(batch.labels)));
  if (batch.shares.empty()) return targets;
  targets.other = sent_to(device, torch::tensor(c10::ArrayRef<int64_t>(batch.other_labels)));
  targets.shares = sent_to(device, torch::tensor(c10::ArrayRef<float>(batch.shares)));
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
    at::Tensor divergence;
    if (options.divergence == "kl_student_teacher")
      divergence = (student.exp() * (student - teacher)).sum(1).mean();
    else if (options.divergence == "label_refinery")
      divergence = -(teacher.exp() * student).sum(1).mean();
    else
      divergence = (teacher.exp() * (teacher - student)).sum(1).mean();
    loss = loss + share * t * t * divergence;
  }
  return loss;
}

at::Tensor feature_loss(const std::map<std::string, at::Tensor>& student,
                        const std::map<std::string, at::Tensor>& teacher, const LossOptions& options) {
  at::Tensor sum;
  for (const auto& [layer, values] : student) {
    const at::Tensor& wanted = teacher.at(layer);
    require(values.sizes() == wanted.sizes(),
            "feature_layers: {}: expected results of one shape, the teacher's differs", layer);
    const at::Tensor one = at::mse_loss(values, wanted);
    sum = sum.defined() ? sum + one : one;
  }
  return sum * (options.feature_weight / static_cast<double>(student.size()));
}

}  // namespace carat
