// SPDX-License-Identifier: Apache-2.0
// LibTorch, the integer executor and the specifications mean the same number.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "base/random.h"
#include "models/graph/builder.h"
#include "models/net/code_kernels.h"
#include "models/net/fake_quant.h"
#include "models/net/network.h"
#include "models/packed/fast_executor.h"
#include "models/packed/reference_executor.h"
#include "stages/fusion.h"
#include "stages/scale_fit.h"
#include "tests/support/random_fused.h"
#include "tests/support/run_network.h"

namespace carat {
namespace {

LayerSpec layer_of(OpKind op, const std::string& name, std::vector<std::string> inputs) {
  LayerSpec layer;
  layer.name = name;
  layer.op = op;
  layer.inputs = std::move(inputs);
  return layer;
}

class GraphMaker {
 public:
  explicit GraphMaker(int64_t act_bits) : act_bits_(act_bits) {}

  std::string quantized(const std::string& from, bool is_signed) {
    LayerSpec layer = layer_of(OpKind::activation_quant, from + ".quant", {from});
    layer.quant =
        is_signed ? QuantSpec::symmetric(act_bits_, Granularity::tensor) : QuantSpec::unsigned_tensor(act_bits_);
    return net.add(layer);
  }
  std::string conv(const std::string& name, const std::string& from, const GraphBuilder::Conv& shape) {
    LayerSpec layer = layer_of(OpKind::conv, name, {from});
    layer.out_channels = shape.out_channels;
    layer.kernel = shape.kernel;
    layer.stride = shape.stride;
    layer.padding = shape.kernel / 2;
    layer.groups = shape.groups;
    layer.has_bias = shape.has_bias;
    layer.quant = QuantSpec::symmetric(4, Granularity::kernel);
    return net.add(layer);
  }
  std::string normalized(const std::string& name, const std::string& from, OpKind op) {
    return net.unary(op, name + ".act", net.unary(OpKind::batch_norm, name + ".bn", from));
  }

  GraphBuilder net{"mixed"};

 private:
  int64_t act_bits_;
};

// A quantizer behind a normalised image is fitted on it.
TEST(Network, GivesTheImageItself) {
  GraphBuilder net("net");
  net.linear("out", net.input({3, 2, 2}), 2);
  std::vector<LayerSpec> layers = net.build().layers();
  Preprocessing how;
  how.mean = {0.5, 0.25, 0.0};
  how.deviation = {0.5, 0.25, 1.0};
  for (const bool is_normalised : {false, true}) {
    if (is_normalised) layers.front().preprocessing = how;
    Network network(initialize(ModelGraph("net", layers), 1), at::Device(at::kCPU));
    std::map<std::string, at::Tensor> results;
    network.forward(torch::full({1, 3, 2, 2}, 51, torch::kUInt8), Mode::evaluate, {"input"}, results);
    const std::vector<float> expected =
        is_normalised ? std::vector<float>{-0.6F, -0.2F, 0.2F} : std::vector<float>{0.2F, 0.2F, 0.2F};
    for (int64_t c = 0; c < 3; ++c)
      EXPECT_NEAR(results.at("input")[0][c][1][1].item<float>(), expected[static_cast<size_t>(c)], 1e-6);
  }
}

// Residual, depthwise, squeeze-excite, dense, pools, up-sampling, dropout and every activation function.
ModelGraph mixed_graph() {
  GraphMaker g(6);
  const std::string image = g.net.input({3, 9, 9});
  std::string x = g.normalized("stem", g.conv("stem.conv", image, {.out_channels = 8, .kernel = 3}), OpKind::relu);
  const std::string codes = g.quantized(x, false);
  const std::string a =
      g.normalized("a", g.conv("a.conv", codes, {.out_channels = 8, .kernel = 3, .groups = 8}), OpKind::hard_swish);
  const std::string b =
      g.net.unary(OpKind::batch_norm, "b.bn", g.conv("b.conv", codes, {.out_channels = 8, .has_bias = true}));
  x = g.net.add(layer_of(OpKind::add, "add", {a, b}));
  const std::string squeezed = g.net.unary(OpKind::global_avg_pool, "se.pool", x);
  const std::string gate =
      g.net.unary(OpKind::sigmoid, "se.gate",
                  g.conv("se.conv", g.quantized(g.net.unary(OpKind::swish, "se.in", squeezed), true),
                         {.out_channels = 8, .has_bias = true}));
  x = g.net.add(layer_of(OpKind::multiply, "se.mul", {x, gate}));
  const std::string halves = g.quantized(x, true);
  x = g.net.join(OpKind::concat, "halves", {g.net.slice("upper", halves, 4, 4), g.net.slice("lower", halves, 0, 4)});
  LayerSpec max_pool = layer_of(OpKind::max_pool, "max", {g.net.shuffle("shuffle", x, 2)});
  max_pool.kernel = 3;
  max_pool.stride = 2;
  max_pool.padding = 1;
  max_pool.extra_padding = 1;
  const std::string small = g.net.add(max_pool);
  const std::string c = g.normalized("c", g.conv("c.conv", small, {.out_channels = 4, .kernel = 3}), OpKind::relu6);
  LayerSpec avg = layer_of(OpKind::avg_pool, "avg", {c});
  avg.kernel = 2;
  avg.stride = 1;
  avg.padding = 1;
  LayerSpec drop = layer_of(OpKind::dropout, "drop", {g.net.add(avg)});
  drop.rate = 0.2;
  LayerSpec up = layer_of(OpKind::upsample, "up", {g.net.unary(OpKind::hard_sigmoid, "hard", g.net.add(drop))});
  up.size = 16;
  const std::string d = g.net.unary(OpKind::relu, "d.act", g.net.add(up));
  const std::string e = g.net.add(layer_of(OpKind::concat, "cat", {d, d}));
  LayerSpec linear =
      layer_of(OpKind::linear, "classifier", {g.quantized(g.net.unary(OpKind::global_avg_pool, "pool", e), false)});
  linear.out_channels = 5;
  linear.has_bias = true;
  linear.quant = QuantSpec::symmetric(5, Granularity::tensor);
  g.net.add(linear);
  return g.net.build();
}

// Random numbers on their grids.
Model random_model(const ModelGraph& graph, int64_t seed) {
  Model model = initialize(graph, seed);
  Random random({seed, "test", "model", 0});
  for (const LayerSpec& layer : graph.layers()) {
    if (layer.op == OpKind::batch_norm)
      for (const char* part : {".weight", ".bias", ".running_mean", ".running_var"})
        for (float& v : model.buffer(layer.name + part).values)
          v = static_cast<float>(std::string(part) == ".running_var"
                                     ? 0.2 + random.uniform()
                                     : 0.3 * random.normal() + (std::string(part) == ".weight" ? 1.0 : 0.0));
    if (layer.op == OpKind::activation_quant) model.buffer(layer.name + ".scale").values = {0.05F};
    if (has_weights(layer)) put_on_grid(model, layer);
  }
  check_model(model);
  return model;
}

class Agreement : public testing::TestWithParam<Arithmetic> {};

TEST_P(Agreement, ExecutorEqualsLibTorchToTheLastBit) {
  const ModelGraph graph = mixed_graph();
  constexpr int64_t kImages = 40;
  const std::vector<uint8_t> images = random_images(kImages, graph.input().input_shape.elements());
  for (int64_t seed = 1; seed <= 5; ++seed) {
    const Model model = random_model(graph, seed);
    const Model fused = fuse(model, GetParam());
    check_model(fused);
    EXPECT_EQ(fused.graph, fuse_graph(graph, GetParam()));
    std::vector<float> logits(kImages * 5);
    ReferenceExecutor(pack(fused)).run(images.data(), kImages, logits.data(), 2);
    EXPECT_EQ(to_buffer(forward(fused, images, kImages, Mode::exact)).values, logits);
    // The fast path differs in pools and activation functions only by float rounding, except where a code flips.
    const at::Tensor fast = forward(fused, images, kImages, Mode::evaluate);
    const at::Tensor unfused = forward(model, images, kImages, Mode::evaluate);
    EXPECT_LT((fast - unfused).abs().mean().item<double>(), 0.1 * unfused.std().item<double>());
  }
}

TEST(Network, EqualsTheExecutorsOnRandomFusedNetworks) {
  for (int64_t seed = 1; seed <= 60; ++seed) {
    const Model model = RandomFused(seed).make();
    const std::vector<uint8_t> images = random_images(3, model.graph.input().input_shape.elements());
    std::vector<float> logits(3 * 5);
    FastExecutor(pack(model)).run(images.data(), 3, logits.data(), 1);
    ASSERT_EQ(to_buffer(forward(model, images, 3, Mode::exact)).values, logits) << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Arithmetics, Agreement,
                         testing::Values(Arithmetic::float32, Arithmetic::fp16, Arithmetic::fp16_strict));

TEST(Fusion, LeavesNoBatchNormBiasOrReluBehind) {
  const ModelGraph fused = fuse_graph(mixed_graph(), Arithmetic::fp16);
  for (const LayerSpec& layer : fused.layers()) {
    EXPECT_NE(layer.op, OpKind::batch_norm);
    EXPECT_NE(layer.op, OpKind::dropout);
    EXPECT_TRUE(!layer.quant || layer.has_unit_scale);
    EXPECT_FALSE(has_weights(layer) && layer.has_bias);
  }
  EXPECT_FALSE(fused.has("stem.act"));
}

TEST(FakeQuant, GradientIsStraightThroughInsideTheRange) {
  const at::Tensor x = torch::tensor({-1.0F, 0.26F, 3.0F, 100.0F}).requires_grad_(true);
  const at::Tensor inverse = torch::tensor({2.0F});
  activation_codes(x, inverse, QuantSpec::unsigned_tensor(4)).sum().backward();
  EXPECT_TRUE(at::equal(x.grad(), torch::tensor({0.0F, 2.0F, 2.0F, 0.0F})));
  const at::Tensor w = torch::tensor({-9.0F, 0.26F}).requires_grad_(true);
  const at::Tensor codes = weight_codes(w, inverse, QuantSpec::symmetric(4, Granularity::tensor));
  EXPECT_TRUE(at::equal(codes.detach(), torch::tensor({-7.0F, 1.0F})));
  codes.sum().backward();
  EXPECT_TRUE(at::equal(w.grad(), torch::tensor({2.0F, 2.0F})));
}

TEST(FakeQuant, CudaKernelsEqualTheCpu) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "no GPU";
  torch::manual_seed(3);
  const QuantSpec spec = QuantSpec::symmetric(4, Granularity::kernel, Rounding::half_away);
  for (const std::vector<int64_t>& shape : {std::vector<int64_t>{7, 3, 3, 3}, {64, 5, 1, 1}}) {
    for (const bool per_kernel : {false, true}) {
      const at::Tensor x = torch::randn(shape) * 9;
      const at::Tensor inverse = torch::rand({per_kernel ? shape[0] : 1, 1, 1, 1}) + 0.1;
      const at::Tensor g = torch::randn(shape);
      const auto pass = [&](const at::Device& device) {
        const at::Tensor leaf = x.to(device, /*non_blocking=*/false, /*copy=*/true).requires_grad_(true);
        const at::Tensor codes = activation_codes(leaf, inverse.to(device), spec);
        codes.backward(g.to(device));
        return std::pair(codes.detach().cpu(), leaf.grad().cpu());
      };
      const auto expected = pass(at::kCPU);
      const auto found = pass(at::kCUDA);
      EXPECT_TRUE(at::equal(found.first, expected.first));
      EXPECT_TRUE(at::equal(found.second, expected.second));
    }
  }
}

TEST(FakeQuant, BinaryWeightsAreSigns) {
  at::Tensor weights = torch::tensor({0.1F, -0.3F, 0.0F, 5.0F}).requires_grad_();
  const at::Tensor codes = weight_codes(weights, torch::full({1}, 0.5F), QuantSpec::binary(Granularity::tensor));
  EXPECT_TRUE(at::equal(codes, torch::tensor({1.0F, -1.0F, 0.0F, 1.0F})));
  codes.sum().backward();
  EXPECT_TRUE(at::equal(weights.grad(), torch::full({4}, 0.5F)));
}

TEST(ScaleFit, KernelsFindWhatTheStageFinds) {
  torch::manual_seed(4);
  const QuantSpec spec = QuantSpec::symmetric(3, Granularity::kernel);
  const at::Tensor weights = torch::randn({20, 700});
  const std::span<const float> values(weights.const_data_ptr<float>(), 14000);
  const ScalesOfKernels kernel = fit_scales_by_kernel(weights, spec);
  for (size_t k = 0; k < 20; ++k) {
    const ScaleFit stage = fit_scale(values.subspan(k * 700, 700), spec);
    EXPECT_NEAR(kernel.scales[k], stage.scale, 1e-8 * stage.scale);
    EXPECT_NEAR(kernel.squared_errors[k], stage.squared_error, 1e-6 * stage.squared_error);
  }
  if (!torch::cuda::is_available()) GTEST_SKIP() << "no GPU: the CPU's half passed";
  const ScalesOfKernels on_cuda = fit_scales_by_kernel(weights.to(at::kCUDA), spec);
  EXPECT_EQ(on_cuda.scales, kernel.scales);
  EXPECT_EQ(on_cuda.squared_errors, kernel.squared_errors);
}

TEST(Network, DropoutDependsOnItsSeedOnly) {
  const Model model = random_model(mixed_graph(), 1);
  const std::vector<uint8_t> images = random_images(4, 243);
  const auto pass = [&](uint64_t seed) {
    Network network(model, at::kCPU);
    network.set_dropout_seed(seed);
    return network
        .forward(torch::from_blob(const_cast<uint8_t*>(images.data()), {4, 3, 9, 9}, torch::kUInt8), Mode::train)
        .detach();
  };
  EXPECT_TRUE(at::equal(pass(1), pass(1)));
  EXPECT_FALSE(at::equal(pass(1), pass(2)));
}

}  // namespace
}  // namespace carat
