// SPDX-License-Identifier: Apache-2.0
// The training loss by hand.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

#include "stages/loss.h"

namespace carat {
namespace {

// Softmax of the two rows: (1/6, 2/6, 3/6) and (1/2, 1/4, 1/4).
at::Tensor logits() { return torch::log(torch::tensor({{1.0F, 2.0F, 3.0F}, {2.0F, 1.0F, 1.0F}})); }

Batch batch_of(std::vector<int64_t> labels) {
  Batch batch;
  batch.labels = std::move(labels);
  batch.size = 2;
  return batch;
}

double loss_of(const Batch& batch, const LossOptions& options, const at::Tensor& teacher = {}) {
  return training_loss(logits(), targets_of(batch, at::Device(at::kCPU)), teacher, options).item<double>();
}

TEST(Loss, CrossEntropy) {
  // (log 2 + log 4) / 2
  EXPECT_NEAR(loss_of(batch_of({2, 1}), {}), (std::log(2.0) + std::log(4.0)) / 2, 1e-6);
}

TEST(Loss, MixedImagesHaveBothLabels) {
  Batch batch = batch_of({2, 1});
  batch.other_labels = {0, 0};
  batch.shares = {0.25F, 0.75F};
  // Image 0: 0.25 log 2 + 0.75 log 6; image 1: 0.75 log 4 + 0.25 log 2.
  const double first = 0.25 * std::log(2.0) + 0.75 * std::log(6.0);
  const double second = 0.75 * std::log(4.0) + 0.25 * std::log(2.0);
  EXPECT_NEAR(loss_of(batch, {}), (first + second) / 2, 1e-6);
  batch.shares = {1.0F, 1.0F};
  EXPECT_NEAR(loss_of(batch, {}), loss_of(batch_of({2, 1}), {}), 1e-6);
}

TEST(Loss, LabelSmoothingSpreadsOverAllClasses) {
  // 0.7 CE(label) + 0.3 mean over classes of CE.
  const double first = 0.7 * std::log(2.0) + 0.1 * (std::log(6.0) + std::log(3.0) + std::log(2.0));
  const double second = 0.7 * std::log(4.0) + 0.1 * (std::log(2.0) + 2 * std::log(4.0));
  EXPECT_NEAR(loss_of(batch_of({2, 1}), {.label_smoothing = 0.3}), (first + second) / 2, 1e-6);
}

TEST(Loss, DistillationIsTheDivergenceFromTheTeacher) {
  const at::Tensor even = torch::zeros({2, 3});
  // Teacher 1/3 each: sum 1/3 log(1/3 / p) = -log 3 - (log p0 + log p1 + log p2) / 3.
  const double first = -std::log(3.0) + (std::log(6.0) + std::log(3.0) + std::log(2.0)) / 3;
  const double second = -std::log(3.0) + (std::log(2.0) + 2 * std::log(4.0)) / 3;
  EXPECT_NEAR(loss_of(batch_of({2, 1}), {.distillation = 1.0}, even), (first + second) / 2, 1e-6);
  EXPECT_NEAR(loss_of(batch_of({2, 1}), {.distillation = 1.0}), loss_of(batch_of({2, 1}), {}), 1e-6);
}

// Student (1/6, 2/6, 3/6) and (1/2, 1/4, 1/4); teacher uniform.
TEST(Loss, OtherDivergences) {
  const at::Tensor teacher = torch::zeros({2, 3});
  const double first = std::log(0.5) / 6 + std::log(1.0) / 3 + std::log(1.5) / 2;
  const double second = std::log(1.5) / 2 + std::log(0.75) / 2;
  LossOptions options = {.distillation = 1.0, .divergence = "kl_student_teacher"};
  EXPECT_NEAR(loss_of(batch_of({0, 0}), options, teacher), (first + second) / 2, 1e-6);
  options.divergence = "label_refinery";
  const double refined = (std::log(6.0) + std::log(3.0) + std::log(2.0)) / 3 + (std::log(2.0) + 2 * std::log(4.0)) / 3;
  EXPECT_NEAR(loss_of(batch_of({0, 0}), options, teacher), refined / 2, 1e-6);
}

TEST(Loss, FeaturesAreMeanSquares) {
  LossOptions options;
  options.feature_weight = 3.0;
  const std::map<std::string, at::Tensor> student = {{"a", torch::tensor({1.0F, 3.0F})}, {"b", torch::tensor({2.0F})}};
  const std::map<std::string, at::Tensor> teacher = {{"a", torch::tensor({0.0F, 1.0F})}, {"b", torch::tensor({6.0F})}};
  // Mean of 2.5 and 16, times 3.
  EXPECT_NEAR(feature_loss(student, teacher, options).item<double>(), 3.0 * (2.5 + 16.0) / 2, 1e-5);
}

}  // namespace
}  // namespace carat
