// SPDX-License-Identifier: Apache-2.0
// Codes, scales and masks of quantized weights.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>

#include "stages/quantize_weights.h"
#include "tests/support/files.h"

namespace carat {
namespace {

constexpr Granularity kKernel = Granularity::kernel;

// One linear layer of 4 kernels with 4 weights.
Model small_model(const WeightCoding& coding) {
  LayerSpec input;
  input.name = "input";
  input.op = OpKind::input;
  input.input_shape = {4, 1, 1};
  LayerSpec linear;
  linear.name = "fc";
  linear.op = OpKind::linear;
  linear.inputs = {"input"};
  linear.out_channels = 4;
  linear.quant = coding.spec("fc", Rounding::half_even);
  Model model = initialize(ModelGraph("small", {input, linear}), 1);
  model.buffer("fc.weight").values = {1, 2,  3,     4, -2,    -4,    6,    8,  //
                                      0, 10, 0.01F, 0, 0.01F, -0.4F, 0.2F, 0.3F};
  return model;
}

TEST(WeightCoding, LayersOverruleTheStage) {
  WeightCoding stage;
  stage.encoding = "ternary";
  WeightCoding rule = WeightCoding::same();
  EXPECT_EQ(rule.over(stage).text(), "ternary");
  rule.bits = 8;
  EXPECT_EQ(rule.over(stage).text(), "8 bits");
  rule.range = "full";
  EXPECT_EQ(rule.over(stage).spec("fc", Rounding::half_away), QuantSpec::full_range(8, kKernel, Rounding::half_away));
  rule.bits = 1;
  EXPECT_EQ(rule.over(stage).spec("fc", Rounding::half_even), QuantSpec::binary(kKernel));
  rule.bits = 32;
  EXPECT_EQ(rule.over(stage).spec("fc", Rounding::half_even), std::nullopt);
  rule.bits = 9;
  EXPECT_EQ(message_of([&] { rule.over(stage).spec("fc", Rounding::half_even); }),
            "quantize: layer fc: expected weights of 1 to 8, 16 or 32 bits, got 9");
}

TEST(WeightScales, CountKeptWeightsOnly) {
  const std::vector<float> values = {1, 2, 3, 100, 5, 10, 15, 0.3F};
  const std::vector<uint8_t> kept = {1, 1, 1, 0, 1, 1, 1, 0};
  const QuantSpec spec = QuantSpec::symmetric(3, kKernel);
  const std::vector<float> scales = refit_weight_scales({values, kept, 2}, spec);
  ASSERT_EQ(scales.size(), 2U);
  EXPECT_NEAR(scales[0], 1.0F, 1e-6F);
  EXPECT_NEAR(scales[1], 5.0F, 1e-6F);
  const std::vector<uint8_t> none(8, 0);
  EXPECT_EQ(refit_weight_scales({values, none, 2}, spec), (std::vector<float>{1.0F, 1.0F}));
  EXPECT_EQ(refit_weight_scales({values, kept, 2}, QuantSpec::symmetric(3, Granularity::tensor)).size(), 1U);
}

TEST(WeightScales, RunsOfKernelsShareOne) {
  const std::vector<float> values = {1, 2, 3, 6, 5, 10};
  const std::vector<float> scales = refit_weight_scales({values, {}, 3, 2}, QuantSpec::symmetric(4, kKernel));
  EXPECT_EQ(scales[0], scales[1]);
  EXPECT_NEAR(scales[0], 1.0F, 1e-6F);
  EXPECT_NEAR(scales[2], 5.0F, 1e-6F);
}

TEST(WeightScales, RefuseWhatDoesNotFit) {
  const std::vector<float> values(6, 1.0F);
  const std::vector<uint8_t> kept(5, 1);
  const QuantSpec spec = QuantSpec::symmetric(4, kKernel);
  EXPECT_EQ(message_of([&] {
              refit_weight_scales({{}, {}, 1}, spec);
            }),
            "fit_weight_scales: expected weights, got none");
  EXPECT_EQ(message_of([&] {
              refit_weight_scales({values, {}, 4}, spec);
            }),
            "fit_weight_scales: expected kernels that divide 6 weights, got 4");
  EXPECT_EQ(message_of([&] {
              refit_weight_scales({values, kept, 2}, spec);
            }),
            "fit_weight_scales: expected a mask of 6 weights, got 5");
}

TEST(QuantizeWeights, PutsEveryEncodingOnItsGrid) {
  for (const char* encoding : {"plain", "ternary", "binary"})
    for (const char* granularity : {"kernel", "tensor", "group"})
      for (const char* range : {"symmetric", "full"}) {
        WeightCoding coding;
        coding.encoding = encoding;
        coding.granularity = granularity;
        coding.group_size = 3;
        coding.range = range;
        Model model = small_model(coding);
        WeightFitReport report;
        quantize_weights(model, model.graph.layer("fc"), coding, report);
        mask_zeros(model, report);
        check_model(model);
        const int64_t scales = coding.granularity == "tensor" ? 1 : coding.granularity == "group" ? 2 : 4;
        EXPECT_EQ(report.scales, scales);
        EXPECT_EQ(std::count(report.rows.begin(), report.rows.end(), '\n'), scales);
      }
}

TEST(QuantizeWeights, AGpuAlternatesAsTheCpuDoes) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "no GPU";
  WeightCoding coding;
  coding.fit = "alternating";
  Model on_cpu = small_model(coding);
  Model on_gpu = on_cpu;
  WeightFitReport report;
  quantize_weights(on_cpu, on_cpu.graph.layer("fc"), coding, report);
  WeightFitReport other;
  quantize_weights(on_gpu, on_gpu.graph.layer("fc"), coding, other, at::kCUDA);
  EXPECT_EQ(on_gpu.buffers, on_cpu.buffers);
  EXPECT_EQ(other.rows, report.rows);
}

TEST(MaskZeros, GivesAMaskWhereItStoresLess) {
  WeightCoding coding;
  coding.bits = 8;
  Model model = small_model(coding);
  WeightFitReport report;
  quantize_weights(model, model.graph.layer("fc"), coding, report);
  mask_zeros(model, report);
  // 3 zeros of 16 weights: 16 + 8 * 13 bits instead of 8 * 16.
  EXPECT_TRUE(model.graph.layer("fc").is_masked);
  EXPECT_EQ(report.new_masks, 1);
  const std::vector<float>& weights = model.buffer("fc.weight").values;
  EXPECT_EQ(report.zeros, std::count(weights.begin(), weights.end(), 0.0F));
  coding.bits = 2;
  Model narrow = small_model(coding);
  for (float& weight : narrow.buffer("fc.weight").values) weight += 20.0F;
  WeightFitReport none;
  quantize_weights(narrow, narrow.graph.layer("fc"), coding, none);
  mask_zeros(narrow, none);
  EXPECT_FALSE(narrow.graph.layer("fc").is_masked);
}

TEST(MaskZeros, TakesWholeBlocksOnly) {
  WeightCoding coding;
  Model model = small_model(coding);
  std::vector<LayerSpec> layers = model.graph.layers();
  layers[1].is_masked = true;
  layers[1].block = MaskBlock{.kernels = 1, .weights = 2};
  model.graph = ModelGraph("small", layers);
  model.masks["fc"] = {model.buffer("fc.weight").shape, std::vector<uint8_t>(16, 1)};
  model.buffer("fc.weight").values = {0, 0, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  WeightFitReport report;
  quantize_weights(model, model.graph.layer("fc"), coding, report);
  mask_zeros(model, report);
  check_model(model);
  EXPECT_EQ(report.zeros, 2);
  const std::vector<uint8_t>& kept = model.masks.at("fc").kept;
  EXPECT_EQ((std::vector<uint8_t>(kept.begin(), kept.begin() + 4)), (std::vector<uint8_t>{0, 0, 1, 1}));
}

}  // namespace
}  // namespace carat
