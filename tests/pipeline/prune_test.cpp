// SPDX-License-Identifier: Apache-2.0
// Patterns, schedules and the second-order criterion, each against what is worked out by hand or by brute force.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

#include "models/zoo/zoo.h"
#include "stages/mask_pattern.h"
#include "stages/mask_schedule.h"
#include "stages/mask_scores.h"
#include "stages/second_order.h"
#include "tests/support/files.h"

namespace carat {
namespace {

using Kept = std::vector<uint8_t>;

TEST(MaskPattern, UnstructuredBlocksAndNOfM) {
  const std::vector<float> scores = {5, 1, 2, 8, 3, 7, 6, 4};  // two kernels of four
  EXPECT_EQ(mask_of(scores, 2, 0.5, {}), (Kept{1, 0, 0, 1, 0, 1, 1, 0}));
  EXPECT_EQ(mask_of(scores, 2, 0.0, {.kind = "n_m"}), Kept(8, 1));
  EXPECT_EQ(mask_of(scores, 2, 0.5, {.kind = "n_m"}), (Kept{1, 0, 0, 1, 0, 1, 1, 0}));
  // Blocks of 1 x 2 have means 3, 5, 5, 5: the first goes, then the earlier of equals.
  EXPECT_EQ(mask_of(scores, 2, 0.25, {.kind = "block", .block = {1, 2}}), (Kept{0, 0, 1, 1, 1, 1, 1, 1}));
  EXPECT_EQ(mask_of(scores, 2, 0.5, {.kind = "block", .block = {2, 2}}), (Kept{0, 0, 1, 1, 0, 0, 1, 1}));
  EXPECT_EQ(message_of([] { MaskPattern{.kind = "n_m"}.check("prune", 0.6); }),
            "prune.target_sparsity: expected 0.5 with 2 of 4 kept, got 0.6");
}

ModelGraph masked_network() {
  const ModelGraph graph = build_model("resnet8", {{"width", 4}}, {3, 8, 8}, 10);
  std::vector<LayerSpec> layers = graph.layers();
  for (LayerSpec& layer : layers) layer.is_masked = has_weights(layer);
  return ModelGraph(graph.name(), layers);
}

double zeros(const Network& network) {
  double gone = 0.0;
  double all = 0.0;
  for (const std::string& layer : network.graph().weight_layers()) {
    gone += (1.0 - network.mask(layer)).sum().item<double>();
    all += static_cast<double>(network.mask(layer).numel());
  }
  return gone / all;
}

class ScheduleTest : public testing::Test {
 protected:
  ScheduleTest()
      : network_(initialize(masked_network(), 1), at::Device(at::kCPU)), optimizer_(network_.parameters(), {}) {}

  static Masks rule(const Network& network, double share) {
    Masks masks;
    for (const auto& [layer, scores] : weight_scores(network, "magnitude")) {
      const at::Tensor before = network.mask(layer);
      const Kept kept = mask_of(scores, before.size(0), 0.5 * share, {});
      masks[layer] = to_tensor({before.sizes().vec(), {kept.begin(), kept.end()}}, at::kCPU);
    }
    return masks;
  }

  Network network_;
  Optimizer optimizer_;
};

TEST_F(ScheduleTest, GradualFollowsTheCubic) {
  MaskSchedule schedule({.kind = "gradual", .every = 10, .until_steps = 40}, rule);
  schedule.begin(100, 10);
  for (int64_t step = 0; step <= 60; ++step) {
    schedule.before_step(step, network_, optimizer_);
    const double t = std::min(1.0, static_cast<double>(step / 10 * 10) / 40.0);
    EXPECT_NEAR(zeros(network_), 0.5 * (1.0 - std::pow(1.0 - t, 3.0)), 0.01) << step;
  }
  EXPECT_EQ(schedule.frozen_from(), 40);
  // Pruned weights are zero themselves.
  const std::string layer = network_.graph().weight_layers().front();
  EXPECT_TRUE(at::equal(network_.dense_weights(layer), network_.dense_weights(layer) * network_.mask(layer)));
}

TEST_F(ScheduleTest, DynamicKeepsADenseShadowThatLearns) {
  MaskSchedule schedule({.kind = "dynamic", .every = 5, .until_steps = 10}, rule);
  schedule.begin(20, 10);
  const std::string layer = network_.graph().weight_layers()[1];
  const at::Tensor before = network_.dense_weights(layer).clone();
  const at::Tensor pixels = torch::randint(0, 256, {8, 3, 8, 8}, at::kByte);
  for (int64_t step = 0; step < 7; ++step) {
    schedule.before_step(step, network_, optimizer_);
    network_.forward(pixels, Mode::train).square().mean().backward();
    optimizer_.step(0.1);
  }
  EXPECT_NEAR(zeros(network_), 0.5, 0.01);
  const at::Tensor gone = 1.0 - network_.mask(layer);
  EXPECT_GT(((network_.dense_weights(layer) - before) * gone).abs().sum().item<double>(), 0.0);
  for (int64_t step = 7; step < 15; ++step) schedule.before_step(step, network_, optimizer_);
  const at::Tensor frozen = network_.mask(layer).clone();
  network_.forward(pixels, Mode::train).square().mean().backward();
  optimizer_.step(0.1);
  EXPECT_TRUE(at::equal(network_.dense_weights(layer) * (1.0 - frozen), at::zeros_like(frozen)));
}

TEST_F(ScheduleTest, AcDcAlternatesAndEndsSparse) {
  MaskSchedule schedule({.kind = "ac_dc", .first_dense = 1, .phase = 1, .last_sparse = 0.3}, rule);
  schedule.begin(100, 10);
  std::vector<double> sparsities;
  for (int64_t step = 0; step < 100; ++step) {
    schedule.before_step(step, network_, optimizer_);
    if (step % 10 == 5) sparsities.push_back(zeros(network_));
  }
  const std::vector<double> wanted = {0, 0.5, 0, 0.5, 0, 0.5, 0, 0.5, 0.5, 0.5};
  for (size_t i = 0; i < wanted.size(); ++i) EXPECT_NEAR(sparsities[i], wanted[i], 0.01) << i;
}

// The quadratic rise of taking S away with the best kept weights, worked out from the definition.
double rise(const at::Tensor& w, const at::Tensor& h, const Kept& kept) {
  const at::Tensor step = make_up(w, h, kept) - w;
  return 0.5 * step.dot(at::mv(h, step)).item<double>();
}

TEST(SecondOrder, CostsAreThoseOfTheQuadratic) {
  torch::manual_seed(3);
  const int64_t d = 6;
  const at::Tensor x = torch::randn({40, d}, at::kDouble).mm(torch::randn({d, d}, at::kDouble));
  const at::Tensor h = x.t().mm(x) / 40.0 + 0.01 * at::eye(d, at::kDouble);
  const at::Tensor w = torch::randn({d}, at::kDouble);
  const RemovalOrder order = removal_order(w, h, 1.0);
  Kept kept(d, 1);
  double sum = 0.0;
  for (int64_t i = 0; i < d; ++i) {
    // Greedy: no other single weight would have been cheaper.
    const double before = rise(w, h, kept);
    for (int64_t other = 0; other < d; ++other) {
      if (kept[static_cast<size_t>(other)] == 0) continue;
      Kept without = kept;
      without[static_cast<size_t>(other)] = 0;
      EXPECT_GE(rise(w, h, without) - before, order.costs[static_cast<size_t>(i)] - 1e-9);
    }
    kept[static_cast<size_t>(order.weights[static_cast<size_t>(i)])] = 0;
    sum += order.costs[static_cast<size_t>(i)];
    EXPECT_NEAR(rise(w, h, kept), sum, 1e-9 * (1.0 + sum));
  }
  // The kept weights are at the minimum: moving any of them makes it worse.
  const Kept half = {1, 0, 1, 0, 1, 0};
  const at::Tensor best = make_up(w, h, half);
  for (int64_t i = 0; i < d; i += 2) {
    at::Tensor moved = best.clone();
    moved[i] += 1e-3;
    const at::Tensor step = moved - w;
    EXPECT_GT(0.5 * step.dot(at::mv(h, step)).item<double>(), rise(w, h, half));
  }
}

}  // namespace
}  // namespace carat
