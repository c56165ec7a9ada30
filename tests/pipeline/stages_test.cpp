// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "models/zoo/zoo.h"
#include "pipeline/invariants.h"
#include "stages/allocation.h"
#include "stages/magnitude.h"
#include "stages/scale_fit.h"
#include "stages/training.h"
#include "tests/support/files.h"

namespace carat {
namespace {

TEST(MagnitudeMask, TakesTheSmallest) {
  EXPECT_EQ(magnitude_mask({0.3F, -0.1F, 0.2F, -0.4F}, 0.5), (std::vector<uint8_t>{1, 0, 0, 1}));
  EXPECT_EQ(magnitude_mask({0.1F, 0.1F, 0.1F, 0.1F}, 0.5), (std::vector<uint8_t>{0, 0, 1, 1}));
  EXPECT_EQ(magnitude_mask({0.3F, 0.1F}, 0.0), (std::vector<uint8_t>{1, 1}));
}

TEST(Allocation, SpendsSparsityWhereTheCurveIsFlat) {
  SensitivityCurves curves;
  curves.dense_loss = 1.0;
  // Layer a rises by 0.1 per 0.1 sparsity, layer b by 0.4.
  for (int i = 1; i <= 9; ++i) {
    curves.layers["a"].push_back({0.1 * i, 1.0 + 0.1 * i});
    curves.layers["b"].push_back({0.1 * i, 1.0 + 0.4 * i});
  }
  const std::vector<AllocationLayer> layers = {{"a", 100, 0.0, 0.95}, {"b", 100, 0.0, 0.95}};
  const auto allocation = allocate_by_sensitivity(layers, curves, 0.5);
  // Equal rise t: sparsities t and t / 4, mean 0.5 -> t = 0.8.
  EXPECT_NEAR(allocation.at("a"), 0.8, 1e-6);
  EXPECT_NEAR(allocation.at("b"), 0.2, 1e-6);
  EXPECT_NEAR(allowed_rise(layers, curves, 0.5), 0.8, 1e-6);
  EXPECT_EQ(
      message_of([&] { allocate_by_sensitivity(layers, curves, 0.94); }),
      "prune: target_sparsity 0.94 is out of reach, the layers' bounds and measured sparsities allow 0.9000 at most");
  EXPECT_NEAR(allocate_uniformly({{"a", 100, 0.0, 0.95}, {"b", 300, 0.1, 0.1}}, 0.3).at("a"), 0.9, 1e-6);
}

TEST(Allocation, GlobalCountsScoresBelowOneThreshold) {
  const std::vector<AllocationLayer> layers = {{"a", 4, 0.0, 0.95}, {"b", 4, 0.0, 0.95}};
  const std::map<std::string, std::vector<float>> scores = {{"a", {1, 2, 3, 4}}, {"b", {10, 20, 30, 40}}};
  const auto raw = allocate_globally(layers, scores, 0.375, false);
  EXPECT_NEAR(raw.at("a"), 0.75, 1e-9);
  EXPECT_NEAR(raw.at("b"), 0.0, 1e-9);
  const auto in_units = allocate_globally(layers, scores, 0.5, true);
  EXPECT_NEAR(in_units.at("a"), 0.5, 1e-9);
  EXPECT_NEAR(in_units.at("b"), 0.5, 1e-9);
}

TEST(ScaleFit, FindsTheGridThatIsThere) {
  const QuantSpec spec = QuantSpec::symmetric(4, Granularity::kernel);
  std::vector<float> values;
  for (int code = -7; code <= 7; ++code) values.push_back(0.013F * static_cast<float>(code));
  const ScaleFit fit = fit_scale(values, spec);
  EXPECT_NEAR(fit.scale, 0.013, 1e-8);
  EXPECT_NEAR(fit.squared_error, 0.0, 1e-12);
  EXPECT_EQ(fit_scale(std::vector<float>(5, 0.0F), spec).scale, 1.0);
}

TEST(ScaleFit, BeatsTheMaximumOnALongTail) {
  const QuantSpec spec = QuantSpec::unsigned_tensor(4);
  std::vector<float> values;
  for (int i = 0; i < 2000; ++i) values.push_back(std::exp(2.0F * static_cast<float>(i) / 2000.0F) - 1.0F);
  values.push_back(100.0F);
  const double from_maximum = fit_scale(values, spec).squared_error;
  const ScaleFit best = fit_scale_from_many(values, spec);
  EXPECT_LE(best.squared_error, from_maximum);
  // At the optimum of its codes: scale = (x . code) / (code . code).
  double xq = 0.0;
  double qq = 0.0;
  for (const float x : values) {
    const auto code = static_cast<double>(code_of(x, static_cast<float>(1.0 / best.scale), spec));
    xq += x * code;
    qq += code * code;
  }
  EXPECT_NEAR(best.scale, xq / qq, 1e-4 * best.scale);
}

TEST(LearningRate, FallsInSteps) {
  TrainingOptions options;
  options.lr = 0.2;
  options.schedule = "step";
  options.lr_steps = {2, 3.5};
  EXPECT_NEAR(learning_rate(options, 19, 100, 10), 0.2, 1e-12);
  EXPECT_NEAR(learning_rate(options, 20, 100, 10), 0.02, 1e-12);
  EXPECT_NEAR(learning_rate(options, 35, 100, 10), 0.002, 1e-12);
}

TEST(LearningRate, WarmsUpAndFollowsTheCosine) {
  TrainingOptions options;
  options.lr = 0.2;
  options.warmup_epochs = 1;
  EXPECT_NEAR(learning_rate(options, 0, 110, 10), 0.2 / 11, 1e-12);
  EXPECT_NEAR(learning_rate(options, 10, 110, 10), 0.2, 1e-12);
  EXPECT_NEAR(learning_rate(options, 60, 110, 10), 0.1, 1e-12);
  EXPECT_LT(learning_rate(options, 109, 110, 10), 1e-3);
}

TEST(Invariants, CatchAStageThatBreaksThem) {
  Model before = initialize(build_model("resnet8", {{"width", 4}}, {1, 8, 8}, 3), 1);
  std::vector<LayerSpec> layers = before.graph.layers();
  layers[1].is_masked = true;
  before.graph = ModelGraph("net", layers);
  Buffer& weights = before.buffer("stem.conv.weight");
  before.masks["stem.conv"] = {weights.shape, magnitude_mask(weights.values, 0.5)};
  for (size_t i = 0; i < weights.values.size(); ++i)
    if (before.masks["stem.conv"].kept[i] == 0) weights.values[i] = 0.0F;
  check_invariants("x", before, before);
  Model after = before;
  after.masks["stem.conv"].kept.assign(weights.values.size(), 1);
  EXPECT_NE(message_of([&] { check_invariants("x", before, after); }).find("came back"), std::string::npos);
  after = before;
  for (float& weight : after.buffer("stem.conv.weight").values) weight += 0.1F;
  EXPECT_NE(message_of([&] { check_invariants("x", before, after); }).find("is masked but is"), std::string::npos);
  after = before;
  layers[1].is_masked = false;
  after.graph = ModelGraph("net", layers);
  EXPECT_EQ(message_of([&] { check_invariants("x", before, after); }), "x: layer stem.conv lost its mask");
}

}  // namespace
}  // namespace carat
