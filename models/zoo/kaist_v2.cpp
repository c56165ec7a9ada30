// SPDX-License-Identifier: Apache-2.0
// The second network of team KAIST AI for CIFAR-100, 2019: inverted residuals, hard-swish, squeeze and excite on the
// results of stride-1 blocks, before the shortcut is added. Pruned weights are exact zeros: with masked = 1 every
// convolution and linear layer has a mask. Layers have the published names.
// Source: Kthyeon/micronet_neurips_challenge, Checkpoint_ver2.
#include <fmt/format.h>

#include <vector>

#include "models/zoo/builders.h"

namespace carat {
namespace {

struct Block {
  int64_t hidden;
  int64_t channels;
  int64_t stride;
  int64_t squeezed;  // 0: no squeeze and excite
};

class Builder {
 public:
  ZooNetwork build(const Shape& input, int64_t classes, bool is_masked) {
    static const std::vector<Block> blocks = {{80, 20, 1, 5},   {50, 20, 1, 5},   {50, 36, 2, 0},   {90, 36, 1, 9},
                                              {90, 56, 1, 14},  {140, 56, 1, 14}, {140, 56, 1, 14}, {140, 80, 2, 0},
                                              {200, 80, 1, 20}, {200, 80, 1, 20}, {200, 80, 1, 20}, {200, 80, 1, 20},
                                              {200, 88, 2, 0},  {220, 96, 1, 24}, {240, 96, 1, 24}, {240, 114, 1, 28}};
    constexpr int64_t kStem = 32;
    std::string x = active("conv1", "bn1", net_.input(input), {.out_channels = kStem, .kernel = 3});
    for (size_t i = 0; i < blocks.size(); ++i) x = block("layers." + std::to_string(i), x, blocks[i]);
    net_.linear("linear", net_.unary(OpKind::global_avg_pool, "pool", x), classes);
    ModelGraph graph = net_.build();
    const LayerNames names = LayerNames::same("published", graph);
    if (!is_masked) return {graph, names};
    std::vector<LayerSpec> layers = graph.layers();
    for (LayerSpec& layer : layers) layer.is_masked = has_weights(layer);
    return {ModelGraph(graph.name(), layers), names};
  }

 private:
  std::string active(const std::string& name, const std::string& norm, const std::string& from,
                     const GraphBuilder::Conv& shape) {
    return net_.unary(OpKind::hard_swish, norm + ".hswish", net_.batch_norm(norm, net_.conv(name, from, shape)));
  }

  std::string excited(const std::string& name, const std::string& from, int64_t squeezed) {
    const int64_t channels = net_.shape_of(from).channels;
    std::string x = net_.unary(OpKind::global_avg_pool, name + ".squeeze", from);
    x = net_.conv(name + ".fc1", x, {.out_channels = squeezed, .has_bias = true});
    x = net_.unary(OpKind::hard_swish, name + ".fc1.hswish", x);
    x = net_.conv(name + ".fc2", x, {.out_channels = channels, .has_bias = true});
    x = net_.unary(OpKind::sigmoid, name + ".fc2.sigmoid", x);
    return net_.join(OpKind::multiply, name + ".excite", {from, x});
  }

  std::string block(const std::string& name, const std::string& from, const Block& block) {
    std::string x = active(name + ".conv1", name + ".bn1", from, {.out_channels = block.hidden});
    x = active(name + ".conv2", name + ".bn2", x,
               {.out_channels = block.hidden, .kernel = 3, .stride = block.stride, .groups = block.hidden});
    x = net_.batch_norm(name + ".bn3", net_.conv(name + ".conv3", x, {.out_channels = block.channels}));
    if (block.stride != 1) return x;
    x = excited(name, x, block.squeezed);
    std::string shortcut = from;
    if (net_.shape_of(from).channels != block.channels) {
      shortcut = net_.conv(name + ".shortcut.0", from, {.out_channels = block.channels});
      shortcut = net_.batch_norm(name + ".shortcut.1", shortcut);
    }
    return net_.join(OpKind::add, name + ".add", {x, shortcut});
  }

  GraphBuilder net_{"kaist_v2"};
};

ZooNetwork build(const ModelValues& options, const Shape& input, int64_t classes) {
  return Builder().build(input, classes, options.at("masked") != 0);
}

ZooVariant pruned(int64_t percent, double accuracy) {
  ZooVariant variant;
  variant.name = fmt::format("kaist_v2_pr{}", percent);
  variant.options = {{"masked", 1}};
  variant.input = {3, 32, 32};
  variant.classes = 100;
  variant.preprocessing = cifar100_preprocessing();
  variant.weights = 463464;
  variant.batch_norm_values = 12704;
  variant.biases = 1187;
  variant.mults = 39468336;
  variant.source = "the published tensors and layer table, tools/count_cifar_networks.py";
  variant.accuracy = accuracy;
  variant.accuracy_source = "measured on the 10,000 test images with the published tensors";
  variant.weights_file = fmt::format("entries/kaist-v2-pr{}.safetensors", percent);
  variant.track = "cifar100";
  return variant;
}

}  // namespace

ZooEntry kaist_v2_entry() {
  return {"kaist_v2",
          "KAIST AI's CIFAR-100 network of 2019: inverted residuals, squeeze and excite, hard-swish",
          {{"masked", 0, 1, 0, "1: every convolution and linear layer keeps its zeros"}},
          {pruned(30, 81.08), pruned(45, 80.80)},
          build};
}

}  // namespace carat
