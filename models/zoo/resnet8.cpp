// SPDX-License-Identifier: Apache-2.0
// resnet8: stem and three strided residual blocks with projection shortcuts; a network for quick, real runs.
#include <algorithm>

#include "models/zoo/builders.h"

namespace carat {
namespace {

int64_t rounded_channels(int64_t width, int64_t thirds) {
  return std::max<int64_t>(4, (width * thirds / 3 + 2) / 4 * 4);
}

std::string block(GraphBuilder& net, const std::string& name, const std::string& from, int64_t channels) {
  std::string x = net.conv(name + ".conv1", from, {.out_channels = channels, .kernel = 3, .stride = 2});
  x = net.unary(OpKind::batch_norm, name + ".bn1", x);
  x = net.unary(OpKind::relu, name + ".relu1", x);
  x = net.conv(name + ".conv2", x, {.out_channels = channels, .kernel = 3});
  x = net.unary(OpKind::batch_norm, name + ".bn2", x);
  std::string shortcut = net.conv(name + ".shortcut.conv", from, {.out_channels = channels, .kernel = 1, .stride = 2});
  shortcut = net.unary(OpKind::batch_norm, name + ".shortcut.bn", shortcut);
  return net.unary(OpKind::relu, name + ".relu2", net.join(OpKind::add, name + ".add", {x, shortcut}));
}

ZooNetwork build(const ModelValues& options, const Shape& input, int64_t classes) {
  const int64_t width = options.at("width");
  GraphBuilder net("resnet8");
  std::string x = net.conv("stem.conv", net.input(input), {.out_channels = width, .kernel = 3});
  x = net.unary(OpKind::batch_norm, "stem.bn", x);
  x = net.unary(OpKind::relu, "stem.relu", x);
  x = block(net, "block1", x, rounded_channels(width, 4));
  x = block(net, "block2", x, rounded_channels(width, 8));
  x = block(net, "block3", x, rounded_channels(width, 16));
  add_classifier(net, x, classes);
  return {net.build(), {}};
}

}  // namespace

ZooEntry resnet8_entry() {
  return {"resnet8",
          "small residual network, three strided blocks",
          {{"width", 4, 256, 12, "channels of the stem; the blocks have 4/3, 8/3 and 16/3 of it"}},
          {{.name = "resnet8",
            .options = {{"width", 12}},
            .input = {1, 28, 28},
            .classes = 10,
            .weights = 76652,
            .batch_norm_values = 696,
            .biases = 10,
            .mults = 2533184,
            .source = "worked by hand"}},
          build};
}

}  // namespace carat
