// SPDX-License-Identifier: Apache-2.0
// Wide ResNet for CIFAR. Source: Zagoruyko and Komodakis 2016, table 1, basic blocks B(3, 3) with pre-activation.
// Layout "published": as xternalz/WideResNet-pytorch names its modules.
#include "base/fail.h"
#include "models/zoo/builders.h"

namespace carat {
namespace {

struct Block {
  std::string name;
  std::string published;
  int64_t in;
  int64_t out;
  int64_t stride;
};

class Builder {
 public:
  ZooNetwork build(const ModelValues& options, const Shape& input, int64_t classes) {
    std::string x = net_.conv(named("stem", "conv1"), net_.input(input), {.out_channels = 16, .kernel = 3});
    int64_t channels = 16;
    for (int64_t group = 0; group < 3; ++group) {
      const int64_t out = (int64_t{16} << group) * options.at("width");
      for (int64_t i = 0; i < (options.at("depth") - 4) / 6; ++i) {
        x = block({fmt::format("group{}.{}", group + 1, i), fmt::format("block{}.layer.{}", group + 1, i), channels,
                   out, group > 0 && i == 0 ? 2 : 1},
                  x);
        channels = out;
      }
    }
    x = net_.unary(OpKind::batch_norm, named("final.bn", "bn1"), x);
    add_classifier(net_, net_.unary(OpKind::relu, "final.relu", x), classes);
    named("classifier", "fc");
    return {net_.build(), names_};
  }

 private:
  std::string named(const std::string& layer, const std::string& published) {
    return names_.note(layer, {{"published", published}});
  }

  std::string block(const Block& b, const std::string& from) {
    std::string x = net_.unary(OpKind::batch_norm, named(b.name + ".bn1", b.published + ".bn1"), from);
    const std::string active = net_.unary(OpKind::relu, b.name + ".relu1", x);
    x = net_.conv(named(b.name + ".conv1", b.published + ".conv1"), active,
                  {.out_channels = b.out, .kernel = 3, .stride = b.stride});
    x = net_.unary(OpKind::batch_norm, named(b.name + ".bn2", b.published + ".bn2"), x);
    x = net_.unary(OpKind::relu, b.name + ".relu2", x);
    x = net_.conv(named(b.name + ".conv2", b.published + ".conv2"), x, {.out_channels = b.out, .kernel = 3});
    if (b.in == b.out) return net_.join(OpKind::add, b.name + ".add", {x, from});
    const std::string shortcut = net_.conv(named(b.name + ".shortcut", b.published + ".convShortcut"), active,
                                           {.out_channels = b.out, .kernel = 1, .stride = b.stride});
    return net_.join(OpKind::add, b.name + ".add", {x, shortcut});
  }

  GraphBuilder net_{"wide_resnet"};
  LayerNames names_;
};

ZooNetwork build(const ModelValues& options, const Shape& input, int64_t classes) {
  const int64_t depth = options.at("depth");
  require((depth - 4) % 6 == 0, "network wide_resnet: depth: expected 4 more than a multiple of 6, got {}", depth);
  return Builder().build(options, input, classes);
}

}  // namespace

ZooEntry wide_resnet_entry() {
  return {"wide_resnet",
          "wide residual network with pre-activation (Zagoruyko and Komodakis 2016)",
          {{"depth", 10, 100, 28, "layers; depth - 4 is a multiple of 6"},
           {"width", 1, 20, 10, "factor on the channels 16, 32, 64"}},
          {{.name = "wide_resnet_28_10",
            .options = {{"depth", 28}, {"width", 10}},
            .input = {3, 32, 32},
            .classes = 100,
            .weights = 36518832,
            .batch_norm_values = 17952,
            .biases = 100,
            .mults = 5243386368,
            .source = "36,536,884 parameters and 5,243,386,368 multiplies, analytic"}},
          build};
}

}  // namespace carat
