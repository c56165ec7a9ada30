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
  LayerSpec add;
  add.name = name + ".add";
  add.op = OpKind::add;
  const std::string shortcut =
      in == out ? from : net.conv(name + ".shortcut", active, {.out_channels = out, .kernel = 1, .stride = stride});
  add.inputs = {x, shortcut};
  return net.add(add);
}

}  // namespace

ModelGraph build_wide_resnet(const ModelValues& options, const Shape& input, int64_t classes) {
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
  return net.build();
}

}  // namespace carat
