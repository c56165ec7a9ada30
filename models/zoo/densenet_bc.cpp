// SPDX-License-Identifier: Apache-2.0
// DenseNet-BC for CIFAR: pre-activation bottlenecks, every result concatenated. Source: Huang et al. 2017, section 3.
// Layouts: "torchvision", "timm" as their DenseNet names its modules; "published" as bearpaw/pytorch-classification.
#include "base/fail.h"
#include "models/zoo/builders.h"

namespace carat {
namespace {

class Builder {
 public:
  explicit Builder(const ModelValues& options) : options_(options) {}

  ZooNetwork build(const Shape& input, int64_t classes) {
    const int64_t growth = options_.at("growth");
    const int64_t bottlenecks = (options_.at("depth") - 4) / 6;
    int64_t channels = 2 * growth;
    std::string x = net_.conv(named("stem.conv", "features.conv0", "conv1"), net_.input(input),
                              {.out_channels = channels, .kernel = 3});
    for (int64_t b = 1; b <= 3; ++b) {
      for (int64_t i = 1; i <= bottlenecks; ++i) x = bottleneck(b, i, x);
      channels += bottlenecks * growth;
      if (b == 3) break;
      channels = channels * options_.at("reduction") / 100;
      x = transition(b, x, channels);
    }
    x = net_.unary(OpKind::batch_norm, named("final.bn", "features.norm5", "bn"), x);
    add_classifier(net_, net_.unary(OpKind::relu, "final.relu", x), classes);
    named("classifier", "classifier", "fc");
    return {net_.build(), names_};
  }

 private:
  // Notes what the layer is called elsewhere.
  std::string named(const std::string& layer, const std::string& torchvision, const std::string& published) {
    return names_.note(layer, {{"torchvision", torchvision}, {"timm", torchvision}, {"published", published}});
  }

  std::string bottleneck(int64_t block, int64_t number, const std::string& from) {
    const std::string name = fmt::format("block{}.layer{}", block, number);
    const std::string there = fmt::format("features.denseblock{}.denselayer{}", block, number);
    const std::string published = fmt::format("dense{}.{}", block, number - 1);
    std::string x = from;
    for (int64_t i = 1; i <= 2; ++i) {
      const std::string n = std::to_string(i);
      x = net_.unary(OpKind::batch_norm, named(name + ".bn" + n, there + ".norm" + n, published + ".bn" + n), x);
      x = net_.unary(OpKind::relu, name + ".relu" + n, x);
      const int64_t growth = options_.at("growth");
      x = net_.conv(named(name + ".conv" + n, there + ".conv" + n, published + ".conv" + n), x,
                    {.out_channels = i == 1 ? 4 * growth : growth, .kernel = i == 1 ? 1 : 3});
    }
    return net_.join(OpKind::concat, name + ".concat", {from, x});
  }

  std::string transition(int64_t number, const std::string& from, int64_t channels) {
    const std::string name = fmt::format("transition{}", number);
    const std::string published = fmt::format("trans{}", number);
    std::string x =
        net_.unary(OpKind::batch_norm, named(name + ".bn", "features." + name + ".norm", published + ".bn1"), from);
    x = net_.conv(named(name + ".conv", "features." + name + ".conv", published + ".conv1"),
                  net_.unary(OpKind::relu, name + ".relu", x), {.out_channels = channels, .kernel = 1});
    return net_.pool(OpKind::avg_pool, name + ".pool", x, {.kernel = 2, .stride = 2});
  }

  const ModelValues& options_;
  GraphBuilder net_{"densenet_bc"};
  LayerNames names_;
};

ZooNetwork build(const ModelValues& options, const Shape& input, int64_t classes) {
  const int64_t depth = options.at("depth");
  require((depth - 4) % 6 == 0, "network densenet_bc: depth: expected 4 more than a multiple of 6, got {}", depth);
  return Builder(options).build(input, classes);
}

}  // namespace

ZooEntry densenet_bc_entry() {
  return {"densenet_bc",
          "DenseNet-BC for small images (Huang et al. 2017)",
          {{"depth", 10, 400, 100, "layers; depth - 4 is a multiple of 6"},
           {"growth", 1, 64, 12, "channels that every bottleneck adds"},
           {"reduction", 1, 100, 50, "percent of the channels that a transition keeps"}},
          {{.name = "densenet_bc_100_12",
            .options = {{"depth", 100}, {"growth", 12}},
            .input = {3, 32, 32},
            .classes = 100,
            .weights = 775944,
            .batch_norm_values = 23988,
            .biases = 100,
            .mults = 287960472,
            .source = "800,032 parameters and 287,960,472 multiplies, analytic"},
           {.name = "densenet_bc_172_30",
            .options = {{"depth", 172}, {"growth", 30}},
            .input = {3, 32, 32},
            .classes = 100,
            .weights = 12071970,
            .batch_norm_values = 160230,
            .biases = 100,
            .mults = 4409935380,
            .source = "12,232,300 parameters and 4,409,935,380 multiplies, analytic, tools/count_cifar_networks.py"}},
          build};
}

}  // namespace carat
