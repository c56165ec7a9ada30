// SPDX-License-Identifier: Apache-2.0
// Training of quantized networks: gradients of scales and zero points, what is stored, what resumes.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "models/net/fake_quant.h"
#include "pipeline/invariants.h"
#include "stages/evaluate.h"
#include "stages/quantized_training.h"
#include "stages/stage.h"
#include "stages/trainer.h"
#include "tests/support/memory_context.h"

namespace carat {
namespace {

struct Grid {
  QuantSpec spec;
  double zero_point;  // below 0: none
  int64_t kernels;
};

// sum of g * value, rounding taken as the addition of what it added at (scale0, zero0): the function whose derivatives
// straight-through gradients are.
double smooth(const at::Tensor& x, const at::Tensor& g, const Grid& grid, const std::vector<double>& scale0,
              const std::vector<double>& scale, double zero) {
  const double lowest = grid.spec.is_shifted() ? 0.0 : static_cast<double>(grid.spec.lowest_code());
  const auto highest = static_cast<double>(grid.spec.highest_code());
  const bool shifts = grid.zero_point >= 0.0;
  const double zero0 = shifts ? std::nearbyint(grid.zero_point) : 0.0;
  const int64_t size = x.numel() / grid.kernels;
  double sum = 0.0;
  for (int64_t i = 0; i < x.numel(); ++i) {
    const double value = x.flatten()[i].item<double>();
    const auto k = static_cast<size_t>(i / size);
    const double place0 = value / scale0[k] + zero0;
    const double added = std::nearbyint(place0) - place0;
    const double z = shifts ? zero0 + (zero - grid.zero_point) : 0.0;
    const double place = value / scale[k] + z;
    double code = place + added;
    if (place0 < lowest) code = lowest;
    if (place0 > highest) code = highest;
    sum += g.flatten()[i].item<double>() * scale[k] * (code - z);
  }
  return sum;
}

class LearnedGradients : public testing::TestWithParam<Grid> {};

TEST_P(LearnedGradients, EqualFiniteDifferences) {
  const Grid grid = GetParam();
  torch::manual_seed(1);
  const at::Tensor x = torch::randn({grid.kernels, 37, 1, 1}) * 3.0;
  const at::Tensor g = torch::randn(x.sizes());
  std::vector<double> scales;
  for (int64_t k = 0; k < grid.kernels; ++k) scales.push_back(0.31 + 0.07 * static_cast<double>(k));
  const at::Tensor scale =
      torch::tensor(scales, at::kDouble).to(at::kFloat).view({-1, 1, 1, 1}).contiguous().requires_grad_(true);
  at::Tensor zero;
  if (grid.zero_point >= 0.0) zero = torch::tensor({static_cast<float>(grid.zero_point)}).requires_grad_(true);
  const at::Tensor leaf = x.clone().requires_grad_(true);
  constexpr int64_t kFeatures = 50;
  learned_values(leaf, {scale, zero, kFeatures}, grid.spec).backward(g);
  const double factor = 1.0 / std::sqrt(kFeatures * static_cast<double>(grid.spec.highest_code()));
  constexpr double kStep = 1e-6;
  for (size_t k = 0; k < scales.size(); ++k) {
    std::vector<double> up = scales;
    std::vector<double> down = scales;
    up[k] += kStep;
    down[k] -= kStep;
    const double slope =
        (smooth(x, g, grid, scales, up, grid.zero_point) - smooth(x, g, grid, scales, down, grid.zero_point)) /
        (2.0 * kStep);
    EXPECT_NEAR(scale.grad().flatten()[static_cast<int64_t>(k)].item<double>(), slope * factor, 1e-4) << k;
  }
  if (zero.defined()) {
    const double slope = (smooth(x, g, grid, scales, scales, grid.zero_point + kStep) -
                          smooth(x, g, grid, scales, scales, grid.zero_point - kStep)) /
                         (2.0 * kStep);
    EXPECT_NEAR(zero.grad().item<double>(), slope * factor, 1e-4);
    EXPECT_GT(std::abs(slope), 0.1);
  }
  // Inside the range the values' gradient passes, outside nothing does.
  const at::Tensor passed = leaf.grad() / g;
  const at::Tensor is_one = (passed - 1.0).abs().lt(1e-5);
  EXPECT_TRUE((is_one | passed.eq(0.0)).all().item<bool>());
  EXPECT_GT(is_one.sum().item<int64_t>(), 0);
  EXPECT_LT(is_one.sum().item<int64_t>(), x.numel());
}

INSTANTIATE_TEST_SUITE_P(
    All, LearnedGradients,
    testing::Values(Grid{QuantSpec::symmetric(4, Granularity::kernel), -1.0, 5},
                    Grid{QuantSpec::symmetric(3, Granularity::tensor, Rounding::half_away), -1.0, 1},
                    Grid{QuantSpec::full_range(4, Granularity::kernel), -1.0, 3},
                    Grid{QuantSpec::unsigned_tensor(3), -1.0, 1}, Grid{QuantSpec::shifted_tensor(3), 2.3, 1},
                    Grid{QuantSpec::shifted_tensor(4), 6.0, 1}));

Model quantized(MemoryContext& context) {
  Model model = context.dense_model();
  const std::unique_ptr<Stage> stage = stage_named("quantize").make();
  OptionTable table;
  stage->describe(table);
  stage->run(model, context);
  return model;
}

TrainingOptions options_with(const std::string& scales) {
  TrainingOptions options;
  options.epochs = 6;
  options.batch_size = 40;
  options.lr = 0.02;
  options.quantized.scales = scales;
  options.average = 0.5;
  return options;
}

double loss_of(const Model& model, MemoryContext& context) {
  Network network(model, at::kCPU);
  return evaluate(network, context.training_data(), context.training_indices()).loss;
}

class EveryWay : public testing::TestWithParam<std::string> {};

TEST_P(EveryWay, LowersTheLossAndStaysOnTheGrid) {
  MemoryContext context;
  const Model before = quantized(context);
  Model after = before;
  train_model(after, options_with(GetParam()), nullptr, context);
  EXPECT_LT(loss_of(after, context), loss_of(before, context));
  check_invariants("x", before, after, {.scales = GetParam() != "fixed"});
  int64_t moved = 0;
  for (const LayerSpec& layer : after.graph.layers()) {
    for (const char* part : {".scale", ".weight_scale"}) {
      if (!after.buffers.contains(layer.name + part)) continue;
      for (const float scale : after.buffer(layer.name + part).values) EXPECT_GT(scale, 0.0F);
      moved += after.buffer(layer.name + part) == before.buffer(layer.name + part) ? 0 : 1;
    }
    if (!after.buffers.contains(layer.name + ".zero_point")) continue;
    const float zero = after.buffer(layer.name + ".zero_point").values.front();
    EXPECT_EQ(zero, std::nearbyint(zero));
    EXPECT_GE(zero, 0.0F);
    EXPECT_LE(zero, static_cast<float>(layer.quant->highest_code()));
  }
  EXPECT_EQ(moved > 0, GetParam() != "fixed");
}

TEST_P(EveryWay, StoppedAnywhereEndsWithTheSameBits) {
  MemoryContext context;
  const Model start = quantized(context);
  TrainingOptions options = options_with(GetParam());
  options.quantized.freeze_norm_after = 0.7;
  options.quantized.oscillation = {.damping = 0.01, .freeze_threshold = 0.05, .freeze_momentum = 0.1};
  const auto train = [&] {
    Model model = start;
    train_model(model, options, nullptr, context);
    return model;
  };
  const Model reference = train();
  Random random({7, "test", "stop", 0});
  for (int round = 0; round < 4; ++round) {
    context.forget();
    const int64_t first = 1 + random.below(28);
    context.stop_after(first);
    EXPECT_THROW(train(), Stopped);
    context.stop_after(-1);
    EXPECT_TRUE(train().buffers == reference.buffers) << "stopped after step " << first;
  }
}

INSTANTIATE_TEST_SUITE_P(Scales, EveryWay, testing::Values("fixed", "refit", "learned"));

TEST(LearnedScales, AreReadByEvaluation) {
  MemoryContext context;
  Model model = quantized(context);
  Network network(model, at::kCPU);
  network.set_learned({.weight_scales = true, .activation_scales = true});
  {
    const torch::NoGradGuard no_grad;
    for (const Parameter& parameter : network.parameters())
      if (parameter.is_scale && !parameter.name.ends_with(".zero_point")) at::Tensor(parameter.value).mul_(1.25);
  }
  network.constrain_scales();
  const at::Tensor pixels = torch::randint(0, 256, {3, 3, 12, 12}, at::kByte);
  const Dataset& data = context.training_data();
  const at::Tensor images = pixels.index_select(1, torch::arange(data.channels)).contiguous();
  const torch::NoGradGuard no_grad;
  const at::Tensor logits = network.forward(images, Mode::evaluate);
  network.store(model);
  EXPECT_TRUE(at::equal(Network(model, at::kCPU).forward(images, Mode::evaluate), logits));
}

TEST(LearnedScales, OfActivationsAloneLeaveTheRest) {
  MemoryContext context;
  const Model before = quantized(context);
  Model after = before;
  TrainingOptions options = options_with("learned");
  options.quantized.train = "activations";
  options.quantized.freeze_norm_after = 0.0;
  train_model(after, options, nullptr, context);
  for (const auto& [name, buffer] : after.buffers) {
    const bool may_move = name.ends_with(".scale") || name.ends_with(".zero_point");
    if (!may_move) EXPECT_TRUE(buffer == before.buffer(name)) << name;
  }
}

void quantize_again(Model& model, MemoryContext& context) {
  const std::unique_ptr<Stage> stage = stage_named("quantize").make();
  OptionTable table;
  stage->describe(table);
  stage->run(model, context);
}

TEST(QuantizeAgain, StartsFromTheWeightsBeforeRounding) {
  MemoryContext context;
  const Model once = quantized(context);
  Model twice = once;
  quantize_again(twice, context);
  EXPECT_TRUE(twice.buffers == once.buffers);
  // Without them from those on the grid.
  Model rounded = once;
  std::erase_if(rounded.buffers, [](const auto& entry) { return entry.first.ends_with(".unrounded"); });
  quantize_again(rounded, context);
  for (const std::string& layer : once.graph.weight_layers())
    EXPECT_TRUE(rounded.buffer(layer + ".unrounded") == once.buffer(layer + ".weight")) << layer;
}

TEST(QuantizeAgain, FollowsTraining) {
  MemoryContext context;
  Model trained = quantized(context);
  train_model(trained, options_with("learned"), nullptr, context);
  Model after = trained;
  quantize_again(after, context);
  check_invariants("x", trained, after, {.scales = true});
  for (const std::string& layer : after.graph.weight_layers())
    EXPECT_TRUE(after.buffer(layer + ".unrounded") == trained.buffer(layer + ".unrounded")) << layer;
}

// Median over the weights, in steps of the grid.
double distance_from_grid(const Model& model) {
  std::vector<double> distances;
  for (const std::string& layer : model.graph.weight_layers()) {
    const std::vector<float>& rounded = model.buffer(layer + ".weight").values;
    const std::vector<float>& plain = model.buffer(layer + ".unrounded").values;
    const std::vector<float>& scales = model.buffer(layer + ".weight_scale").values;
    for (size_t i = 0; i < plain.size(); ++i)
      distances.push_back(std::abs(static_cast<double>(plain[i] - rounded[i])) /
                          static_cast<double>(scales[i * scales.size() / plain.size()]));
  }
  std::nth_element(distances.begin(), distances.begin() + static_cast<std::ptrdiff_t>(distances.size() / 2),
                   distances.end());
  return distances[distances.size() / 2];
}

TEST(Oscillation, DampingPullsWeightsToTheirGrid) {
  MemoryContext context;
  const Model start = quantized(context);
  const auto trained = [&](double damping) {
    context.forget();
    Model model = start;
    TrainingOptions options = options_with("fixed");
    options.average = 0.0;
    options.quantized.oscillation.damping = damping;
    train_model(model, options, nullptr, context);
    return distance_from_grid(model);
  };
  EXPECT_LT(trained(1.0), 0.5 * trained(0.0));
}

// One weight that the loss pushes up below and down above the middle between two codes.
TEST(Oscillation, FreezesAWeightThatFlips) {
  MemoryContext context;
  const Model model = quantized(context);
  Network network(model, at::kCPU);
  Oscillation oscillation(network, {.freeze_threshold = 0.3, .freeze_momentum = 0.2});
  const Network::QuantizedWeight first = network.quantized_weights().front();
  const float scale = first.scale.flatten()[0].item<float>();
  const torch::NoGradGuard no_grad;
  at::Tensor weight = first.weight.flatten()[0];
  int64_t steps = 0;
  while (oscillation.frozen() == 0 && steps < 100) {
    weight.fill_(scale * (steps % 2 == 0 ? 1.4F : 1.6F));
    oscillation.after_step();
    ++steps;
  }
  // The moving average of flips, 1 - 0.8^k after k of them, passes 0.3 with the second; the first change is no flip
  // back.
  EXPECT_GE(steps, 3);
  EXPECT_LE(steps, 5);
  const float fixed = weight.item<float>();
  EXPECT_TRUE(fixed == scale * 1.0F || fixed == scale * 2.0F) << fixed / scale;
  weight.fill_(scale * 3.3F);
  oscillation.after_step();
  EXPECT_EQ(weight.item<float>(), fixed);
  EXPECT_EQ(oscillation.frozen(), 1);
}

TEST(FrozenNorm, KeepsItsStatistics) {
  MemoryContext context;
  const Model before = quantized(context);
  Model after = before;
  TrainingOptions options = options_with("fixed");
  options.quantized.freeze_norm_after = 0.0;
  options.average = 0.0;
  train_model(after, options, nullptr, context);
  int64_t norms = 0;
  for (const auto& [name, buffer] : after.buffers) {
    if (!name.ends_with(".running_mean") && !name.ends_with(".running_var")) continue;
    EXPECT_TRUE(buffer == before.buffer(name)) << name;
    ++norms;
  }
  EXPECT_GT(norms, 0);
}

}  // namespace
}  // namespace carat
