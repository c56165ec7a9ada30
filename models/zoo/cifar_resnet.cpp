// SPDX-License-Identifier: Apache-2.0
// Residual networks for CIFAR, 6 n + 2 layers. Source: He et al. 2016, section 4.2.
// Shortcuts between groups are projections (option B): the checkpoints in circulation have them
// (chenyaofo/pytorch-cifar-models), and the zero channels of option A are no operation here. Names are torchvision's.
// For 3x32x32 and 100 classes, summed over stem, groups of 16, 32 and 64 channels, projections and classifier:
//   weights     432 + 4,608 n + (5,120 + 9,216 (2 n - 1)) + (20,480 + 36,864 (2 n - 1)) + 6,400 = 96,768 n - 13,648
//   multiplies  1,024 (432 + 4,608 n) + 256 (5,120 + ...) + 64 (20,480 + ...) + 6,400 = 14,155,776 n - 1,648,384
//   batch norm  2 (16 + 32 + 64) (2 n + 1)
#include "base/fail.h"
#include "models/zoo/builders.h"

namespace carat {
namespace {

class Builder {
 public:
  ZooNetwork build(int64_t blocks, const Shape& input, int64_t classes) {
    std::string x = conv_bn("conv1", "bn1", net_.input(input), {.out_channels = 16, .kernel = 3});
    x = net_.unary(OpKind::relu, "relu", x);
    for (int64_t group = 0; group < 3; ++group)
      for (int64_t i = 0; i < blocks; ++i) {
        const int64_t stride = group > 0 && i == 0 ? 2 : 1;
        x = block(fmt::format("layer{}.{}", group + 1, i), x, int64_t{16} << group, stride);
      }
    net_.linear(named("fc"), net_.unary(OpKind::global_avg_pool, "avgpool", x), classes);
    return {net_.build(), names_};
  }

 private:
  std::string named(const std::string& layer) { return names_.note(layer, {{"torchvision", layer}, {"timm", layer}}); }

  std::string conv_bn(const std::string& conv, const std::string& bn, const std::string& from,
                      const GraphBuilder::Conv& shape) {
    return net_.batch_norm(named(bn), net_.conv(named(conv), from, shape));
  }

  std::string block(const std::string& name, const std::string& from, int64_t channels, int64_t stride) {
    std::string x =
        conv_bn(name + ".conv1", name + ".bn1", from, {.out_channels = channels, .kernel = 3, .stride = stride});
    x = net_.unary(OpKind::relu, name + ".relu1", x);
    x = conv_bn(name + ".conv2", name + ".bn2", x, {.out_channels = channels, .kernel = 3});
    const std::string shortcut = stride == 1 ? from
                                             : conv_bn(name + ".downsample.0", name + ".downsample.1", from,
                                                       {.out_channels = channels, .kernel = 1, .stride = stride});
    return net_.unary(OpKind::relu, name + ".relu2", net_.join(OpKind::add, name + ".add", {x, shortcut}));
  }

  GraphBuilder net_{"cifar_resnet"};
  LayerNames names_;
};

ZooNetwork build(const ModelValues& options, const Shape& input, int64_t classes) {
  const int64_t depth = options.at("depth");
  require((depth - 2) % 6 == 0, "network cifar_resnet: depth: expected 2 more than a multiple of 6, got {}", depth);
  return Builder().build((depth - 2) / 6, input, classes);
}

struct Counts {
  int64_t depth;
  int64_t weights;
  int64_t batch_norm_values;
  int64_t mults;
  double accuracy;
};

ZooVariant variant(const Counts& counts) {
  ZooVariant variant;
  variant.name = fmt::format("cifar_resnet{}", counts.depth);
  variant.options = {{"depth", counts.depth}};
  variant.input = {3, 32, 32};
  variant.classes = 100;
  variant.preprocessing = cifar100_preprocessing();
  variant.weights = counts.weights;
  variant.batch_norm_values = counts.batch_norm_values;
  variant.biases = 100;
  variant.mults = counts.mults;
  variant.source = "the formulas at the head of models/zoo/cifar_resnet.cpp, tools/count_cifar_networks.py";
  variant.accuracy = counts.accuracy;
  if (counts.accuracy > 0.0) variant.accuracy_source = "chenyaofo/pytorch-cifar-models, README";
  return variant;
}

}  // namespace

ZooEntry cifar_resnet_entry() {
  return {"cifar_resnet",
          "residual network for small images with projection shortcuts (He et al. 2016)",
          {{"depth", 8, 1202, 20, "layers; depth - 2 is a multiple of 6"}},
          {variant({20, 276656, 1568, 40818944, 68.83}), variant({32, 470192, 2464, 69130496, 70.16}),
           variant({44, 663728, 3360, 97442048, 71.63}), variant({56, 857264, 4256, 125753600, 72.63}),
           variant({110, 1728176, 8288, 253155584, 0.0})},
          build};
}

}  // namespace carat
