// SPDX-License-Identifier: Apache-2.0
// Zero points and tables: from the network that is trained to the integers that are executed.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <limits>

#include "base/fail.h"
#include "base/random.h"
#include "models/graph/builder.h"
#include "models/net/fake_quant.h"
#include "models/net/network.h"
#include "models/packed/fast_executor.h"
#include "models/packed/reference_executor.h"
#include "stages/activation_fit.h"
#include "stages/fusion.h"
#include "stages/integer_scales.h"
#include "stages/quantizer_insertion.h"
#include "tests/support/run_network.h"

namespace carat {
namespace {

using Conv = GraphBuilder::Conv;

class Networks {
 public:
  std::string active(const std::string& name, const std::string& from, const Conv& conv, OpKind op) {
    return net_.unary(op, name + ".act", net_.batch_norm(name + ".bn", net_.conv(name, from, conv)));
  }

  ModelGraph residual() {
    const std::string x = active("stem", net_.input({3, 9, 9}), {.out_channels = 6, .kernel = 3}, OpKind::swish);
    const std::string a = active("a", x, {.out_channels = 6, .kernel = 3}, OpKind::hard_swish);
    const std::string b = net_.batch_norm("b.bn", net_.conv("b", a, {.out_channels = 6, .kernel = 3}));
    return finish(net_.join(OpKind::add, "add", {b, net_.conv("short", x, {.out_channels = 6})}));
  }

  // A bottleneck whose result joins its input.
  ModelGraph dense() {
    const std::string x = net_.conv("stem", net_.input({3, 8, 8}), {.out_channels = 4, .kernel = 3});
    const std::string y = net_.unary(OpKind::hard_swish, "first.act", net_.batch_norm("first.bn", x));
    const std::string a = active("narrow", y, {.out_channels = 6}, OpKind::swish);
    const std::string both =
        net_.join(OpKind::concat, "cat", {x, net_.conv("grow", a, {.out_channels = 4, .kernel = 3})});
    return finish(net_.unary(OpKind::hard_swish, "last.act", net_.batch_norm("last.bn", both)));
  }

  // Depthwise with a stride, squeeze and excite.
  ModelGraph inverted() {
    const std::string x = net_.batch_norm(
        "stem.bn", net_.conv("stem", net_.input({3, 10, 10}), {.out_channels = 4, .kernel = 3, .has_bias = true}));
    const std::string wide = active("expand", x, {.out_channels = 8}, OpKind::hard_swish);
    const Conv depthwise = {.out_channels = 8, .kernel = 3, .stride = 2, .groups = 8};
    const std::string deep = active("depthwise", wide, depthwise, OpKind::hard_swish);
    const std::string y = net_.batch_norm("project.bn", net_.conv("project", deep, {.out_channels = 4}));
    const std::string squeezed = net_.unary(OpKind::global_avg_pool, "squeeze", y);
    const std::string gate =
        net_.unary(OpKind::sigmoid, "gate", net_.conv("excite", squeezed, {.out_channels = 4, .has_bias = true}));
    return finish(net_.join(OpKind::multiply, "excited", {y, gate}));
  }

 private:
  ModelGraph finish(const std::string& x) {
    net_.linear("classifier", net_.unary(OpKind::global_avg_pool, "pool", x), 7);
    return net_.build();
  }

  GraphBuilder net_{"small"};
};

// Weights on their grids, batch norm with a channel of variance zero and one of gamma zero.
Model numbers_for(const ModelGraph& graph, int64_t seed) {
  Model model = initialize(graph, seed);
  Random random({seed, "test", "shift", 0});
  for (const LayerSpec& layer : graph.layers()) {
    if (layer.op == OpKind::batch_norm) {
      for (float& v : model.buffer(layer.name + ".bias").values) v = static_cast<float>(random.normal());
      for (float& v : model.buffer(layer.name + ".running_mean").values) v = static_cast<float>(0.3 * random.normal());
      for (float& v : model.buffer(layer.name + ".running_var").values) v = static_cast<float>(0.2 + random.uniform());
      model.buffer(layer.name + ".running_var").values[0] = 0.0F;
      model.buffer(layer.name + ".running_mean").values[0] = 0.0F;
      model.buffer(layer.name + ".weight").values = std::vector<float>(
          model.buffer(layer.name + ".weight").values.size(), static_cast<float>(0.5 + random.uniform()));
      model.buffer(layer.name + ".weight").values[0] = 0.01F;
      model.buffer(layer.name + ".weight").values[1] = 0.0F;
    }
    if (layer.op == OpKind::activation_quant) {
      model.buffer(layer.name + ".scale").values = {layer.quant->bits() > 6 ? 0.04F : 0.13F};
      if (layer.quant->is_shifted())
        model.buffer(layer.name + ".zero_point").values = {static_cast<float>(3 + random.below(60) % 20)};
    }
    if (has_weights(layer)) put_on_grid(model, layer);
  }
  check_model(model);
  return model;
}

ModelGraph quantized(const ModelGraph& graph, const InsertionOptions& options) {
  std::vector<LayerSpec> layers = graph.layers();
  for (LayerSpec& layer : layers)
    if (has_weights(layer)) layer.quant = QuantSpec::symmetric(4, Granularity::kernel);
  return insert_quantizers(ModelGraph(graph.name(), layers), options);
}

class Shift : public testing::TestWithParam<int> {
 protected:
  static ModelGraph graph_of(int which) {
    Networks networks;
    return which == 0 ? networks.residual() : which == 1 ? networks.dense() : networks.inverted();
  }
};

TEST_P(Shift, FusedCodesEqualTheTrainedNetworks) {
  InsertionOptions options;
  options.table_bits = 7;
  options.table_elements = 1;
  options.bits_of = [](const LayerSpec&) { return int64_t{5}; };
  constexpr int64_t kImages = 60;
  for (const char* shift : {"functions", "always", "never"}) {
    options.shift = shift;
    const ModelGraph graph = quantized(graph_of(GetParam()), options);
    const std::vector<uint8_t> images = random_images(kImages, graph.input().input_shape.elements());
    for (int64_t seed = 1; seed <= 3; ++seed) {
      const Model model = numbers_for(graph, seed);
      const Model fused = fuse(model, Arithmetic::float32);
      check_model(fused);
      for (const LayerSpec& layer : fused.graph.layers()) EXPECT_FALSE(layer.quant && layer.quant->is_shifted());
      // Float folding moves a code only where it lies on a rounding point.
      const at::Tensor trained = forward(model, images, kImages, Mode::exact);
      const at::Tensor folded = forward(fused, images, kImages, Mode::exact);
      const at::Tensor largest = (trained - folded).abs().amax(1);
      const auto same = largest.lt(1e-4 * trained.abs().max()).sum().item<int64_t>();
      EXPECT_GE(same, kImages * 8 / 10) << shift << " seed " << seed;

      std::vector<float> reference(kImages * 7);
      ReferenceExecutor(pack(fused)).run(images.data(), kImages, reference.data(), 2);
      EXPECT_EQ(to_buffer(folded).values, reference) << shift << " seed " << seed;
      std::vector<float> fast(kImages * 7);
      FastExecutor(pack(fused)).run(images.data(), kImages, fast.data(), 2);
      EXPECT_EQ(fast, reference) << shift << " seed " << seed;
    }
  }
}

TEST_P(Shift, IntegerScalesAreExactAndClose) {
  InsertionOptions options;
  options.table_bits = 8;
  options.table_elements = 1;
  options.bits_of = [](const LayerSpec&) { return int64_t{8}; };
  constexpr int64_t kImages = 40;
  const ModelGraph graph = quantized(graph_of(GetParam()), options);
  const std::vector<uint8_t> images = random_images(kImages, graph.input().input_shape.elements());
  const Model model = numbers_for(graph, 1);
  const Model folded = fuse(model, Arithmetic::float32);
  const at::Tensor wanted = forward(folded, images, kImages, Mode::exact);
  double before = 1e9;
  for (const int64_t bits : {4, 8, 14}) {
    const Model integers = with_integer_scales(folded, {bits, 24});
    check_model(integers);
    int64_t count = 0;
    for (const LayerSpec& layer : integers.graph.layers()) count += layer.integer ? 1 : 0;
    EXPECT_GE(count, 1);
    const at::Tensor found = forward(integers, images, kImages, Mode::exact);
    const double error = (found - wanted).abs().mean().item<double>() / wanted.std().item<double>();
    EXPECT_LT(error, before) << bits;
    before = error;
    std::vector<float> reference(kImages * 7);
    ReferenceExecutor(pack(integers)).run(images.data(), kImages, reference.data(), 2);
    EXPECT_EQ(to_buffer(found).values, reference) << bits;
    std::vector<float> fast(kImages * 7);
    FastExecutor(pack(integers)).run(images.data(), kImages, fast.data(), 2);
    EXPECT_EQ(fast, reference) << bits;
  }
  EXPECT_LT(before, 0.02);
}

TEST(IntegerScales, RefuseABiasThatLeavesNoMultiplier) {
  InsertionOptions options;
  options.bits_of = [](const LayerSpec&) { return int64_t{8}; };
  Networks networks;
  const Model folded = fuse(numbers_for(quantized(networks.inverted(), options), 1), Arithmetic::float32);
  try {
    with_integer_scales(folded, {8, 3});
    FAIL() << "3 bits hold a bias";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("8 bits for multipliers and 3 for biases cannot hold"), std::string::npos)
        << error.what();
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, Shift, testing::Values(0, 1, 2));

TEST(Tables, StandWhereOnlyQuantizersRead) {
  InsertionOptions options;
  options.table_bits = 6;
  options.table_elements = 100;
  options.bits_of = [](const LayerSpec&) { return int64_t{4}; };
  Networks networks;
  const ModelGraph fused = fuse_graph(quantized(networks.inverted(), options), Arithmetic::fp16);
  EXPECT_EQ(fused.layer("expand.act.quant").op, OpKind::table);
  EXPECT_EQ(fused.layer("depthwise.act.quant").op, OpKind::table);
  EXPECT_FALSE(fused.has("expand.act"));
  EXPECT_EQ(fused.layer("gate").op, OpKind::sigmoid);  // 4 results: cheaper than a table
  EXPECT_EQ(fused.layer("depthwise.pad").op, OpKind::pad);
  EXPECT_EQ(fused.layer("depthwise").padding, 0);
}

TEST(RowCodes, EqualTheFormulaAndItsGradient) {
  Random random({1, "test", "rows", 0});
  for (const QuantSpec& spec : {QuantSpec::unsigned_tensor(4), QuantSpec::symmetric(3, Granularity::tensor),
                                QuantSpec::unsigned_tensor(8, Rounding::half_away),
                                QuantSpec::symmetric(5, Granularity::tensor, Rounding::half_away)})
    for (const int64_t n : {1, 7, 16, 33, 40000}) {
      std::vector<float> values;
      for (int64_t i = 0; i < n; ++i)
        values.push_back(i % 3 == 0 ? static_cast<float>(random.below(41) - 20) / 2.0F
                                    : static_cast<float>(8.0 * random.normal()));
      if (n == 7) values[3] = std::numeric_limits<float>::quiet_NaN();
      const at::Tensor x = torch::tensor(values).requires_grad_(true);
      const at::Tensor inverse = torch::tensor({1.0F / 0.7F});
      const at::Tensor codes = activation_codes(x, inverse, spec);
      at::Tensor expected = x.detach() * inverse;
      const at::Tensor inside = (expected >= spec.lowest_code()) & (expected <= spec.highest_code());
      round_codes_(expected, spec.rounding());
      expected.clamp_(static_cast<double>(spec.lowest_code()), static_cast<double>(spec.highest_code()));
      EXPECT_TRUE(at::allclose(codes.detach(), expected, 0.0, 0.0, true));
      const at::Tensor above = at::randn({n});
      (codes * above).sum().backward();
      EXPECT_TRUE(at::equal(at::nan_to_num(x.grad()), at::where(inside, above * inverse, 0.0)));
    }
}

TEST(RowCodes, AShiftMovesTheRange) {
  const at::Tensor x = torch::tensor({-1.0F, -0.4F, 0.0F, 0.3F, 2.0F}).requires_grad_(true);
  const at::Tensor codes =
      shifted_codes(x, torch::tensor({10.0F}), torch::tensor({4.0F}), QuantSpec::shifted_tensor(4));
  EXPECT_TRUE(at::equal(codes.detach(), torch::tensor({-4.0F, -4.0F, 0.0F, 3.0F, 11.0F})));
  codes.sum().backward();
  EXPECT_TRUE(at::equal(x.grad(), torch::tensor({0.0F, 10.0F, 10.0F, 10.0F, 0.0F})));
}

std::vector<float> hard_swish_of_normals(double deviation) {
  Random random({2, "test", "fit", 0});
  std::vector<float> values;
  for (int i = 0; i < 20000; ++i) {
    const double x = deviation * random.normal();
    values.push_back(static_cast<float>(x * std::min(std::max(x + 3.0, 0.0), 6.0) / 6.0));
  }
  return values;
}

TEST(ActivationFit, AShiftPaysForBiasedActivations) {
  const std::vector<float> values = hard_swish_of_normals(1.5);
  for (const int64_t bits : {3, 4, 6, 8}) {
    const ActivationFit shifted = fit_activation(values, QuantSpec::shifted_tensor(bits), {}, std::nullopt);
    const ActivationFit plain =
        fit_activation(values, QuantSpec::symmetric(bits, Granularity::tensor), {}, std::nullopt);
    EXPECT_LT(shifted.squared_error, 0.6 * plain.squared_error) << bits;
    EXPECT_GE(shifted.zero_point, 1);
    EXPECT_LE(shifted.zero_point, (int64_t{1} << bits) - 1);
    const ActivationFit widest = fit_activation(values, QuantSpec::shifted_tensor(bits), {"maximum"}, std::nullopt);
    EXPECT_LE(shifted.squared_error, widest.squared_error) << bits;
  }
}

// Below -3 hard-swish is zero: no code needs to reach there.
TEST(ActivationFit, CountsErrorsBehindTheFunction) {
  Random random({3, "test", "fit", 0});
  std::vector<float> values;
  for (int i = 0; i < 20000; ++i) values.push_back(static_cast<float>(6.0 * random.normal()));
  const QuantSpec spec = QuantSpec::shifted_tensor(6);
  const ActivationFit fit = fit_activation(values, spec, {}, Unary::hard_swish);
  const double lowest = -fit.scale * static_cast<double>(fit.zero_point);
  EXPECT_GT(lowest, -5.0);
  EXPECT_LT(lowest, -2.0);
}

TEST(ActivationFit, PercentileLeavesTheEndsOut) {
  std::vector<float> values(1000, 1.0F);
  values[0] = 100.0F;
  values[1] = -50.0F;
  const QuantSpec spec = QuantSpec::shifted_tensor(8);
  EXPECT_NEAR(fit_activation(values, spec, {"maximum"}, std::nullopt).scale, 150.0 / 255.0, 1e-9);
  EXPECT_NEAR(fit_activation(values, spec, {"percentile", 99.0}, std::nullopt).scale, 1.0 / 255.0, 1e-9);
}

}  // namespace
}  // namespace carat
