// SPDX-License-Identifier: Apache-2.0
// Rewrites that promise the same network: logits before and after, to float rounding.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>

#include "base/random.h"
#include "models/file/model_file.h"
#include "models/net/network.h"
#include "models/weights/drop_dead.h"
#include "models/weights/merge_gate.h"
#include "models/weights/merge_upsample.h"
#include "models/zoo/zoo.h"
#include "stages/evaluate.h"
#include "tests/support/files.h"

namespace carat {
namespace {

constexpr int64_t kImages = 4;

// Random weights, and batch norm that shifts: constants of dead kernels are not zero.
Model random_model(const ModelGraph& graph) {
  Model model = initialize(graph, 3);
  for (auto& [name, buffer] : model.buffers) {
    Random random({3, "test", name, 0});
    const bool is_positive = name.ends_with(".running_var");
    const bool is_bias = name.ends_with(".bias") || name.ends_with(".running_mean");
    for (float& value : buffer.values) {
      if (is_positive) value = static_cast<float>(0.5 + random.uniform());
      if (is_bias) value = static_cast<float>(0.3 * random.normal());
    }
  }
  return model;
}

// A mask that takes every `period`-th kernel, and every second weight of the others.
Model with_dead_kernels(Model model, int64_t period) {
  std::vector<LayerSpec> layers = model.graph.layers();
  for (LayerSpec& layer : layers) layer.is_masked = has_weights(layer);
  model.graph = ModelGraph(model.graph.name(), layers);
  int64_t kernel = 0;
  for (const std::string& name : model.graph.weight_layers()) {
    Buffer& weights = model.buffer(name + ".weight");
    SparsityMask mask{weights.shape, std::vector<uint8_t>(weights.values.size(), 1)};
    const size_t size = weights.values.size() / static_cast<size_t>(weights.shape[0]);
    for (int64_t k = 0; k < weights.shape[0]; ++k, ++kernel)
      for (size_t i = 0; i < size; ++i)
        if (kernel % period == 0 || (i % 2 == 1 && size > 4)) mask.kept[static_cast<size_t>(k) * size + i] = 0;
    for (size_t i = 0; i < mask.kept.size(); ++i)
      if (mask.kept[i] == 0) weights.values[i] = 0.0F;
    model.masks[name] = mask;
  }
  return model;
}

at::Tensor logits(const Model& model) {
  check_model(model);
  torch::manual_seed(5);
  const Shape& shape = model.graph.input().input_shape;
  const at::Tensor pixels = torch::randint(0, 256, {kImages, shape.channels, shape.height, shape.width}, torch::kUInt8);
  const torch::NoGradGuard no_grad;
  return Network(model, at::Device(at::kCPU)).forward(pixels, Mode::evaluate);
}

// Largest difference in units of the largest logit.
double difference(const at::Tensor& a, const at::Tensor& b) {
  return ((a - b).abs().max() / a.abs().max()).item<double>();
}

constexpr double kRounding = 2e-5;

struct Small {
  std::string name;
  ModelValues options;
  int64_t side;
};

class DeadKernels : public testing::TestWithParam<Small> {};

TEST_P(DeadKernels, GoWithoutATrace) {
  const Small& net = GetParam();
  const ModelGraph graph = build_network(net.name, net.options, {3, net.side, net.side}, 10).graph;
  Model model = with_dead_kernels(random_model(graph), 5);
  const at::Tensor before = logits(model);
  const Dropped dropped = drop_dead_kernels(model);
  EXPECT_GT(dropped.kernels, 0);
  EXPECT_GT(dropped.weights, dropped.kernels);
  EXPECT_LT(difference(before, logits(model)), kRounding);
  const Dropped again = drop_dead_kernels(model);
  EXPECT_EQ(again.kernels, 0);
  EXPECT_EQ(again.weights, 0);
}

INSTANTIATE_TEST_SUITE_P(Networks, DeadKernels,
                         testing::Values(Small{"resnet8", {{"width", 8}}, 16},
                                         Small{"cifar_resnet", {{"depth", 8}}, 16},
                                         Small{"densenet_bc", {{"depth", 22}, {"growth", 8}}, 16},
                                         Small{"mobilenet_v2", {{"width", 35}}, 32},
                                         Small{"mobilenet_v3_large", {}, 32}, Small{"osi_dense", {}, 32},
                                         Small{"mixnet", {}, 32}, Small{"shufflenet_v2", {}, 32},
                                         Small{"squeezenet", {}, 48}),
                         [](const auto& info) { return info.param.name; });

TEST(DeadKernelsOfOneLayer, StayBehindPaddedZeros) {
  GraphBuilder net("net");
  std::string x = net.conv("first", net.input({3, 8, 8}), {.out_channels = 4, .kernel = 3});
  x = net.batch_norm("norm", x);
  x = net.unary(OpKind::swish, "act", x);
  x = net.conv("depthwise", x, {.out_channels = 4, .kernel = 3, .groups = 4});
  x = net.conv("pointwise", net.batch_norm("norm2", x), {.out_channels = 6});
  net.linear("out", net.unary(OpKind::global_avg_pool, "pool", net.batch_norm("norm3", x)), 3);
  Model model = random_model(net.build());
  // A constant that is not zero, one that is zero, and a live kernel that is not read.
  const auto clear = [&](const std::string& buffer, size_t begin, size_t count) {
    std::fill_n(model.buffer(buffer).values.begin() + static_cast<int64_t>(begin), count, 0.0F);
  };
  clear("first.weight", 0, 27);
  clear("first.weight", 27, 27);
  for (const char* part : {"norm.bias", "norm.running_mean"}) clear(part, 1, 1);
  for (size_t k = 0; k < 6; ++k) clear("pointwise.weight", 4 * k + 2, 1);
  const at::Tensor before = logits(model);
  const Dropped dropped = drop_dead_kernels(model);
  EXPECT_EQ(model.graph.layer("first").out_channels, 2);
  EXPECT_EQ(model.graph.layer("depthwise").groups, 2);
  EXPECT_EQ(dropped.kernels, 4);
  EXPECT_EQ(dropped.weights, 2 * 27 + 2 * 9 + 6 * 2);
  EXPECT_LT(difference(before, logits(model)), kRounding);
}

TEST(DeadKernelsOfOneLayer, RefusesQuantized) {
  Model model = random_model(build_model("resnet8", {{"width", 4}}, {3, 8, 8}, 3));
  std::vector<LayerSpec> layers = model.graph.layers();
  layers[1].quant = QuantSpec::symmetric(4, Granularity::kernel);
  model.graph = ModelGraph("net", layers);
  EXPECT_EQ(message_of([&] { drop_dead_kernels(model); }),
            "layer stem.conv: expected a network in floating point, got quantized weights");
}

struct Stem {
  int64_t side, size, kernel, stride, padding, extra;
};

ModelGraph stem_graph(const Stem& stem) {
  GraphBuilder net("net");
  LayerSpec conv;
  conv.name = "conv";
  conv.op = OpKind::conv;
  conv.inputs = {net.upsample("up", net.input({3, stem.side, stem.side}), stem.size)};
  conv.out_channels = 5;
  conv.kernel = stem.kernel;
  conv.stride = stem.stride;
  conv.padding = stem.padding;
  conv.extra_padding = stem.extra;
  net.linear("out", net.unary(OpKind::global_avg_pool, "pool", net.unary(OpKind::relu, "relu", net.add(conv))), 4);
  return net.build();
}

TEST(MergeUpsample, GivesTheSameLogits) {
  const std::vector<Stem> stems = {{32, 63, 3, 2, 0, 1}, {32, 64, 3, 2, 0, 1}, {16, 32, 4, 2, 1, 0},
                                   {16, 48, 3, 3, 0, 0}, {16, 48, 7, 3, 2, 0}, {16, 32, 5, 4, 2, 0},
                                   {12, 12, 3, 1, 1, 0}};
  for (const Stem& stem : stems) {
    SCOPED_TRACE(fmt::format("{} -> {}, kernel {}, stride {}", stem.side, stem.size, stem.kernel, stem.stride));
    const Model model = random_model(stem_graph(stem));
    const Model merged = merge_upsample(model, "up");
    EXPECT_FALSE(merged.graph.has("up"));
    EXPECT_EQ(merged.graph, merge_upsample(model.graph, "up"));
    EXPECT_EQ(merged.graph.shape_of("conv"), model.graph.shape_of("conv"));
    EXPECT_LE(merged.graph.weight_count(merged.graph.layer("conv")),
              model.graph.weight_count(model.graph.layer("conv")));
    EXPECT_LT(difference(logits(model), logits(merged)), kRounding);
  }
}

TEST(MergeUpsample, RefusesAnIrregularGrid) {
  EXPECT_EQ(message_of([] {
              merge_upsample(stem_graph({32, 48, 3, 2, 0, 0}), "up");
            }),
            "layer up: expected taps that fall on a regular grid of its input, with no more zeros above than "
            "below, got 3x32x32 up-sampled to 48 and read by a 3x3 convolution of stride 2 and padding 0");
  EXPECT_NE(message_of([] {
              merge_upsample(stem_graph({32, 64, 3, 2, 1, 0}), "up");
            }).find("no more zeros above"),
            std::string::npos);
  EXPECT_EQ(message_of([] {
              merge_upsample(stem_graph({32, 63, 3, 2, 0, 0}), "conv");
            }),
            "layer conv: expected an up-sampling that one convolution alone reads, got conv read by relu");
}

TEST(MergeUpsample, MakesTheStemOfOsiDenseTwoByTwo) {
  const Model model = with_dead_kernels(random_model(build_model("osi_dense", {}, {3, 32, 32}, 100)), 7);
  const Model merged = merge_upsample(model, "upsample");
  const LayerSpec& stem = merged.graph.layer("_conv_stem");
  EXPECT_EQ(stem.kernel, 2);
  EXPECT_EQ(stem.stride, 1);
  EXPECT_EQ(stem.padding + stem.extra_padding, 0);
  EXPECT_EQ(merged.graph.weight_count(stem), 288);
  EXPECT_LT(difference(logits(model), logits(merged)), kRounding);
}

TEST(MergeUpsample, KeepsThePredictionsOnRealImages) {
  const char* root = std::getenv("CARAT_DATA");
  const std::filesystem::path path =
      std::filesystem::path(root == nullptr ? "" : root) / "entries/osi-dense.safetensors";
  if (root == nullptr || !std::filesystem::exists(path)) GTEST_SKIP() << "CARAT_DATA has no published entries";
  const Model model = read_any_model(path.string(), "");
  const Dataset data = open_dataset({.name = "cifar100"}, Split::test);
  std::vector<int64_t> images(500);
  std::iota(images.begin(), images.end(), int64_t{0});
  const Batch batch = gather(data, images);
  const auto classes = [&](const Model& m) {
    const torch::NoGradGuard no_grad;
    return Network(m, at::Device(at::kCPU))
        .forward(pixels_of(batch.pixels, data, at::Device(at::kCPU)), Mode::evaluate)
        .argmax(1);
  };
  EXPECT_TRUE(classes(model).equal(classes(merge_upsample(model, "upsample"))));
}

// Gates that give a constant: their branch's last layer has no weights.
Model with_constant_gates(Model model, const std::string& expand) {
  for (auto& [name, buffer] : model.buffers)
    if (name.ends_with(expand + ".weight")) std::fill(buffer.values.begin(), buffer.values.end(), 0.0F);
  return model;
}

TEST(MergeGate, IsExactForConstantGates) {
  const Model model = with_constant_gates(random_model(build_model("osi_dense", {}, {3, 32, 32}, 10)), "_se_expand");
  Model merged = model;
  for (const std::string& gate : gates_of(model.graph)) {
    std::vector<double> g;
    const std::string expand = model.graph.layer(gate_values(model.graph, gate)).inputs.front();
    for (const float bias : model.buffer(expand + ".bias").values) g.push_back(1.0 / (1.0 + std::exp(-bias)));
    merged = merge_gate(merged, gate, g);
  }
  EXPECT_TRUE(gates_of(merged.graph).empty());
  EXPECT_FALSE(merged.graph.has("_blocks.0._squeeze"));
  EXPECT_LT(difference(logits(model), logits(merged)), kRounding);
}

ModelGraph gated_graph(bool has_relu, bool is_joined) {
  GraphBuilder net("net");
  std::string x = net.batch_norm("norm", net.conv("conv", net.input({3, 8, 8}), {.out_channels = 4, .kernel = 3}));
  if (has_relu) x = net.unary(OpKind::relu, "relu", x);
  const std::string pool = net.unary(OpKind::global_avg_pool, "squeeze", x);
  const std::string g =
      net.unary(OpKind::sigmoid, "sigmoid", net.conv("expand", pool, {.out_channels = 4, .has_bias = true}));
  std::string y = net.join(OpKind::multiply, "gate", {x, g});
  if (is_joined) y = net.join(OpKind::add, "add", {y, x});
  net.linear("out", net.unary(OpKind::global_avg_pool, "pool", y), 3);
  return net.build();
}

TEST(MergeGate, FoldsIntoTheBatchNormInFront) {
  for (const bool has_relu : {false, true}) {
    const Model model = with_constant_gates(random_model(gated_graph(has_relu, false)), "expand");
    std::vector<double> g;
    for (const float bias : model.buffer("expand.bias").values) g.push_back(1.0 / (1.0 + std::exp(-bias)));
    const Model merged = merge_gate(model, "gate", g);
    EXPECT_NE(merged.buffer("norm.weight"), model.buffer("norm.weight"));
    EXPECT_LT(difference(logits(model), logits(merged)), kRounding);
  }
  EXPECT_EQ(message_of([] { merge_gate(gated_graph(true, true), "gate"); }),
            "layer gate: expected a batch norm in front of the gate or only convolutions in floating point behind it, "
            "got relu in front and add (add) behind");
}

}  // namespace
}  // namespace carat
