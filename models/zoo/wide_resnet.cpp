// SPDX-License-Identifier: Apache-2.0
// Wide ResNet for CIFAR. Source: Zagoruyko and Komodakis 2016, table 1, basic blocks B(3, 3) with pre-activation.
#include "base/fail.h"
#include "models/zoo/builders.h"

namespace carat {
namespace {

std::string block(GraphBuilder& net, const std::string& name, const std::string& from, int64_t in, int64_t out,
                  int64_t stride) {
  std::string x = net.unary(OpKind::batch_norm, name + ".bn1", from);
  const std::string active = net.unary(OpKind::relu, name + ".relu1", x);
  x = net.conv(name + ".conv1", active, {.out_channels = out, .kernel = 3, .stride = stride});
  x = net.unary(OpKind::batch_norm, name + ".bn2", x);
  x = net.unary(OpKind::relu, name + ".relu2", x);
  x = net.conv(name + ".conv2", x, {.out_channels = out, .kernel = 3});
  const std::string shortcut =
      in == out ? from : net.conv(name + ".shortcut", active, {.out_channels = out, .kernel = 1, .stride = stride});
  return net.join(OpKind::add, name + ".add", {x, shortcut});
}

ZooNetwork build(const ModelValues& options, const Shape& input, int64_t classes) {
  const int64_t depth = options.at("depth");
  require((depth - 4) % 6 == 0, "network wide_resnet: depth: expected 4 more than a multiple of 6, got {}", depth);
  GraphBuilder net("wide_resnet");
  std::string x = net.conv("stem", net.input(input), {.out_channels = 16, .kernel = 3});
  int64_t channels = 16;
  for (int64_t group = 0; group < 3; ++group) {
    const int64_t out = (int64_t{16} << group) * options.at("width");
    for (int64_t i = 0; i < (depth - 4) / 6; ++i) {
      const std::string name = "group" + std::to_string(group + 1) + "." + std::to_string(i);
      x = block(net, name, x, channels, out, group > 0 && i == 0 ? 2 : 1);
      channels = out;
    }
  }
  x = net.unary(OpKind::batch_norm, "final.bn", x);
  add_classifier(net, net.unary(OpKind::relu, "final.relu", x), classes);
  return {net.build(), {}};
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
