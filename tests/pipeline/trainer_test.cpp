// SPDX-License-Identifier: Apache-2.0
// Training stopped at any step and continued from its checkpoint ends with the same bits, with everything switched on.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

#include "base/random.h"
#include "models/graph/builder.h"
#include "models/weights/safetensors.h"
#include "models/zoo/zoo.h"
#include "stages/mask_pattern.h"
#include "stages/mask_scores.h"
#include "stages/trainer.h"
#include "stages/training.h"
#include "tests/support/files.h"
#include "tests/support/memory_context.h"

namespace carat {
namespace {

Masks half(const Network& network, double share) {
  Masks masks;
  for (const auto& [layer, scores] : weight_scores(network, "magnitude_norm")) {
    const at::Tensor before = network.mask(layer);
    const std::vector<uint8_t> kept = mask_of(scores, before.size(0), 0.5 * share, {});
    masks[layer] = to_tensor({before.sizes().vec(), {kept.begin(), kept.end()}}, at::kCPU);
  }
  return masks;
}

Model masked(const Model& dense) {
  std::vector<LayerSpec> layers = dense.graph.layers();
  Model model = dense;
  for (LayerSpec& layer : layers) {
    if (!has_weights(layer)) continue;
    layer.is_masked = true;
    const Buffer& weights = dense.buffer(layer.name + ".weight");
    model.masks[layer.name] = {weights.shape, std::vector<uint8_t>(weights.values.size(), 1)};
  }
  model.graph = ModelGraph(dense.graph.name(), layers);
  return model;
}

struct Kind {
  std::string optimizer;
  std::string masks;
};
class EveryKind : public testing::TestWithParam<Kind> {};

TEST_P(EveryKind, StoppedAnywhereEndsWithTheSameBits) {
  TrainingOptions options;
  options.epochs = 6;
  options.batch_size = 40;
  options.lr = 0.02;
  options.optimizer = {.kind = GetParam().optimizer, .nesterov = GetParam().optimizer == "sgd", .gradient_clip = 1.0};
  options.loss.distillation = 0.7;
  options.loss.divergence = "kl_student_teacher";
  options.loss.feature_weight = 0.1;
  options.teacher.mode = "train";
  options.average = 0.9;
  options.best_every = 1;
  options.best_images = 60;
  options.norm_images = 80;
  options.flip = true;
  options.crop_padding = 1;
  MemoryContext context;
  options.loss.feature_layers = {context.dense_model().graph.layers()[3].name};
  const auto train = [&] {
    MaskSchedule schedule({.kind = GetParam().masks, .every = 3, .until = 0.5, .first_dense = 1, .phase = 1}, half);
    Model model = masked(context.dense_model());
    train_model(model, options, &schedule, context);
    return model;
  };
  const Model reference = train();
  EXPECT_NEAR(sparsity(reference), 0.5, 0.02);
  constexpr int64_t kSteps = 30;
  Random random({7, "test", "stop", 0});
  for (int round = 0; round < 7; ++round) {
    context.forget();
    const int64_t first = 1 + random.below(kSteps - 2);
    context.stop_after(first);
    EXPECT_THROW(train(), Stopped);
    context.stop_after(-1);
    const Model resumed = train();
    EXPECT_TRUE(resumed.buffers == reference.buffers) << "stopped after step " << first;
    EXPECT_TRUE(resumed.masks == reference.masks) << "stopped after step " << first;
  }
  // Pruned weights are exactly zero.
  for (const auto& [layer, mask] : reference.masks)
    for (size_t i = 0; i < mask.kept.size(); ++i)
      if (mask.kept[i] == 0) ASSERT_EQ(reference.buffer(layer + ".weight").values[i], 0.0F);
}

INSTANTIATE_TEST_SUITE_P(All, EveryKind,
                         testing::Values(Kind{"sgd", "dynamic"}, Kind{"adamw", "ac_dc"}, Kind{"sgd", "gradual"}));

TEST(Teacher, OfOtherClassesIsRefused) {
  MemoryContext context;
  const Dataset& data = context.training_data();
  const ModelGraph student = build_model("resnet8", {{"width", 4}}, {data.channels, data.height, data.width}, 7);
  EXPECT_NE(message_of([&] { Teacher({}, student, context); }).find("teachers: dense: expected 7 classes of"),
            std::string::npos);
}

TEST(Teacher, OfTwoNetworksIsTheLogarithmOfTheMeanOfTheirSoftmaxes) {
  MemoryContext context;
  const Dataset& data = context.training_data();
  GraphBuilder net("constant");
  net.linear("classifier", net.unary(OpKind::global_avg_pool, "pool", net.input({data.channels, 12, 12})), 3);
  Model model = initialize(net.build(), 1);
  for (float& weight : model.buffer("classifier.weight").values) weight = 0.0F;
  const TemporaryFolder folder;
  const auto write = [&](const std::string& name, const std::vector<float>& logits) {
    model.buffer("classifier.bias").values = logits;
    write_model(folder / name, model);
    return folder / name;
  };
  const auto two = static_cast<float>(std::log(2.0));
  const at::Tensor pixels = torch::randint(0, 256, {2, data.channels, 12, 12}, at::kByte);
  for (const double temperature : {1.0, 2.0}) {
    // Softmaxes 1/4, 1/4, 1/2 and 1/2, 1/4, 1/4 at the temperature.
    const auto logit = static_cast<float>(temperature) * two;
    const std::string a = write("a.safetensors", {0.0F, 0.0F, logit});
    const std::string b = write("b.safetensors", {logit, 0.0F, 0.0F});
    Teacher teacher({.teachers = {a, b}}, model.graph, context);
    std::map<std::string, at::Tensor> features;
    const at::Tensor logits = teacher.logits(pixels, temperature, {}, features);
    const std::vector<double> mean = {3.0 / 8, 1.0 / 4, 3.0 / 8};
    for (int64_t image = 0; image < 2; ++image)
      for (int64_t k = 0; k < 3; ++k)
        EXPECT_NEAR(logits[image][k].item<double>(), temperature * std::log(mean[static_cast<size_t>(k)]), 1e-6);
    Teacher one({.teachers = {a}}, model.graph, context);
    EXPECT_NEAR(one.logits(pixels, temperature, {}, features)[0][2].item<double>(), logit, 1e-6);
  }
}

TEST(NormStatistics, AreTheMeansOverTheBatches) {
  MemoryContext context;
  const Dataset& data = context.training_data();
  GraphBuilder net("small");
  const std::string x = net.conv("conv", net.input({data.channels, data.height, data.width}), {.out_channels = 2});
  net.linear("classifier", net.unary(OpKind::global_avg_pool, "pool", net.batch_norm("norm", x)), data.classes);
  Model model = initialize(net.build(), 1);
  ASSERT_EQ(data.channels, 1);
  model.buffer("conv.weight").values = {2.0F, -3.0F};
  const LoaderOptions options = {.batch_size = 8, .seed = 1, .stage = "test", .indices = context.training_indices()};
  Loader batches(data, options);
  std::vector<double> means(2);
  std::vector<double> variances(2);
  constexpr int kBatches = 3;
  for (int i = 0; i < kBatches; ++i) {
    const Batch batch = batches.next();
    const auto count = static_cast<double>(batch.pixels.size());
    for (size_t c = 0; c < 2; ++c) {
      const double weight = c == 0 ? 2.0 : -3.0;
      double sum = 0.0;
      for (const uint8_t p : batch.pixels) sum += weight * p / 255.0;
      double squares = 0.0;
      for (const uint8_t p : batch.pixels) squares += std::pow(weight * p / 255.0 - sum / count, 2.0);
      means[c] += sum / count / kBatches;
      variances[c] += squares / (count - 1.0) / kBatches;
    }
  }
  Network network(model, at::kCPU);
  Loader loader(data, options);
  // 17 images: three batches of eight.
  estimate_norm_statistics(network, loader, 17, context);
  const auto state = network.state();
  for (int64_t c = 0; c < 2; ++c) {
    EXPECT_NEAR(state.at("norm.running_mean")[c].item<double>(), means[static_cast<size_t>(c)], 1e-5);
    EXPECT_NEAR(state.at("norm.running_var")[c].item<double>(), variances[static_cast<size_t>(c)], 1e-5);
  }
  EXPECT_EQ(network.state().at("conv.weight").flatten()[1].item<float>(), -3.0F);
}

TEST(Optimizer, FollowsTheFormulas) {
  at::Tensor w = torch::tensor({1.0F, -2.0F}).requires_grad_(true);
  Optimizer sgd({{"w", w, true}}, {.nesterov = true, .momentum = 0.5, .weight_decay = 0.1});
  double value = 1.0;
  double velocity = 0.0;
  for (int step = 0; step < 3; ++step) {
    w.sum().backward();
    sgd.set_lr(0.1);
    sgd.step();
    const double g = 1.0 + 0.1 * value;
    velocity = 0.5 * velocity + g;
    value -= 0.1 * (g + 0.5 * velocity);
    EXPECT_NEAR(w[0].item<double>(), value, 1e-6);
  }
  at::Tensor v = torch::tensor({1.0F}).requires_grad_(true);
  Optimizer adam({{"v", v, true}}, {.kind = "adamw", .momentum = 0.9, .beta2 = 0.99, .weight_decay = 0.1});
  (3.0 * v).sum().backward();
  adam.set_lr(0.01);
  adam.step();
  // First step: m / (1 - beta1) = g, sqrt(s / (1 - beta2)) = |g|.
  EXPECT_NEAR(v.item<double>(), 1.0 - 0.01 * 0.1 - 0.01, 1e-6);
  at::Tensor c = torch::tensor({0.0F, 0.0F}).requires_grad_(true);
  Optimizer clipped({{"c", c, false}}, {.momentum = 0.0, .gradient_clip = 1.0});
  (3.0 * c[0] + 4.0 * c[1]).backward();
  clipped.set_lr(1.0);
  clipped.step();
  EXPECT_NEAR(c[0].item<double>(), -0.6, 1e-5);
  EXPECT_NEAR(c[1].item<double>(), -0.8, 1e-5);
}

}  // namespace
}  // namespace carat
