// SPDX-License-Identifier: Apache-2.0
// ResNet for ImageNet. Source: He et al. 2016, table 1; the bottleneck's stride is in its 3x3 convolution (v1.5), as
// torchvision builds it.
#include <vector>

#include "base/fail.h"
#include "models/zoo/builders.h"

namespace carat {
namespace {

struct Build {
  GraphBuilder net{"resnet"};
  LayerNames names;

  // torchvision and timm name the layers alike.
  std::string conv_bn(const std::string& layer, const std::string& from, const GraphBuilder::Conv& conv,
                      const std::string& conv_name, const std::string& norm_name) {
    std::string x = names.note(net.conv(layer + ".conv", from, conv), both(conv_name));
    return names.note(net.batch_norm(layer + ".bn", x), both(norm_name));
  }
  static std::map<std::string, std::string> both(const std::string& name) {
    return {{"torchvision", name}, {"timm", name}};
  }
};

struct Block {
  std::string name;
  std::string module;
  int64_t width;
  int64_t stride;
  bool is_bottleneck;
};

std::string residual(Build& b, const std::string& from, const Block& block) {
  const int64_t out = block.is_bottleneck ? 4 * block.width : block.width;
  std::vector<GraphBuilder::Conv> convs;
  if (block.is_bottleneck) convs.push_back({.out_channels = block.width});
  convs.push_back({.out_channels = block.width, .kernel = 3, .stride = block.stride});
  convs.push_back({.out_channels = out, .kernel = block.is_bottleneck ? 1 : 3});
  std::string x = from;
  for (size_t i = 0; i < convs.size(); ++i) {
    const std::string layer = fmt::format("{}.{}", block.name, i + 1);
    x = b.conv_bn(layer, x, convs[i], fmt::format("{}.conv{}", block.module, i + 1),
                  fmt::format("{}.bn{}", block.module, i + 1));
    if (i + 1 < convs.size()) x = b.net.unary(OpKind::relu, layer + ".relu", x);
  }
  std::string shortcut = from;
  if (b.net.shape_of(from) != b.net.shape_of(x))
    shortcut = b.conv_bn(block.name + ".shortcut", from, {.out_channels = out, .stride = block.stride},
                         block.module + ".downsample.0", block.module + ".downsample.1");
  return b.net.unary(OpKind::relu, block.name + ".relu", b.net.join(OpKind::add, block.name + ".add", {x, shortcut}));
}

std::vector<int64_t> repeats_of(int64_t depth) {
  require(depth == 18 || depth == 34 || depth == 50, "network resnet: depth: expected 18, 34 or 50, got {}", depth);
  return depth == 18 ? std::vector<int64_t>{2, 2, 2, 2} : std::vector<int64_t>{3, 4, 6, 3};
}

ZooNetwork build(const ModelValues& options, const Shape& input, int64_t classes) {
  const int64_t depth = options.at("depth");
  const std::vector<int64_t> repeats = repeats_of(depth);
  Build b;
  std::string x = b.conv_bn("stem", b.net.input(input), {.out_channels = 64, .kernel = 7, .stride = 2}, "conv1", "bn1");
  x = b.net.unary(OpKind::relu, "stem.relu", x);
  x = b.net.pool(OpKind::max_pool, "stem.pool", x, {.kernel = 3, .stride = 2, .padding = 1});
  for (size_t stage = 0; stage < repeats.size(); ++stage) {
    for (int64_t i = 0; i < repeats[stage]; ++i)
      x = residual(b, x,
                   {.name = fmt::format("stage{}.{}", stage + 1, i),
                    .module = fmt::format("layer{}.{}", stage + 1, i),
                    .width = int64_t{64} << stage,
                    .stride = stage > 0 && i == 0 ? 2 : 1,
                    .is_bottleneck = depth == 50});
  }
  b.names.note(add_classifier(b.net, x, classes), Build::both("fc"));
  return {b.net.build(), b.names};
}

}  // namespace

ZooEntry resnet_entry() {
  return {"resnet",
          "residual network for large images, v1.5 (He et al. 2016)",
          {{"depth", 18, 50, 18, "layers: 18, 34 or 50"}},
          {{.name = "resnet18",
            .options = {{"depth", 18}},
            .input = {3, 224, 224},
            .classes = 1000,
            .preprocessing = imagenet_preprocessing(),
            .weights = 11678912,
            .batch_norm_values = 9600,
            .biases = 1000,
            .mults = 1814073344,
            .source = "11,689,512 parameters and 1,814,073,344 multiplies, analytic, equal to torchvision's",
            .accuracy = 69.758,
            .accuracy_source = "torchvision 0.26, ResNet18_Weights.IMAGENET1K_V1"},
           {.name = "resnet34",
            .options = {{"depth", 34}},
            .input = {3, 224, 224},
            .classes = 1000,
            .preprocessing = imagenet_preprocessing(),
            .weights = 21779648,
            .batch_norm_values = 17024,
            .biases = 1000,
            .mults = 3663761408,
            .source = "torchvision 0.26, tools/count_networks.py",
            .accuracy = 73.314,
            .accuracy_source = "torchvision 0.26, ResNet34_Weights.IMAGENET1K_V1"},
           {.name = "resnet50",
            .options = {{"depth", 50}},
            .input = {3, 224, 224},
            .classes = 1000,
            .preprocessing = imagenet_preprocessing(),
            .weights = 25502912,
            .batch_norm_values = 53120,
            .biases = 1000,
            .mults = 4089184256,
            .source = "25,557,032 parameters and 4,089,184,256 multiplies, analytic, equal to torchvision's",
            .accuracy = 76.13,
            .accuracy_source = "torchvision 0.26, ResNet50_Weights.IMAGENET1K_V1"}},
          build};
}

}  // namespace carat
