// SPDX-License-Identifier: Apache-2.0
// DenseNet-BC for CIFAR: pre-activation bottlenecks, every result concatenated. Source: Huang et al. 2017, section 3.
#include "base/fail.h"
#include "models/zoo/builders.h"

namespace carat {
namespace {

std::string normalized(GraphBuilder& net, const std::string& name, const std::string& from, int64_t number) {
  const std::string suffix = number == 0 ? "" : std::to_string(number);
  const std::string x = net.unary(OpKind::batch_norm, name + ".bn" + suffix, from);
  return net.unary(OpKind::relu, name + ".relu" + suffix, x);
}

std::string bottleneck(GraphBuilder& net, const std::string& name, const std::string& from, int64_t growth) {
  std::string x = normalized(net, name, from, 1);
  x = net.conv(name + ".conv1", x, {.out_channels = 4 * growth, .kernel = 1});
  x = normalized(net, name, x, 2);
  x = net.conv(name + ".conv2", x, {.out_channels = growth, .kernel = 3});
  return net.join(OpKind::concat, name + ".concat", {from, x});
}

std::string transition(GraphBuilder& net, const std::string& name, const std::string& from, int64_t channels) {
  std::string x = normalized(net, name, from, 0);
  x = net.conv(name + ".conv", x, {.out_channels = channels, .kernel = 1});
  return net.pool(OpKind::avg_pool, name + ".pool", x, {.kernel = 2, .stride = 2});
}

ZooNetwork build(const ModelValues& options, const Shape& input, int64_t classes) {
  const int64_t depth = options.at("depth");
  const int64_t growth = options.at("growth");
  require((depth - 4) % 6 == 0, "network densenet_bc: depth: expected 4 more than a multiple of 6, got {}", depth);
  const int64_t bottlenecks = (depth - 4) / 6;
  GraphBuilder net("densenet_bc");
  int64_t channels = 2 * growth;
  std::string x = net.conv("stem.conv", net.input(input), {.out_channels = channels, .kernel = 3});
  for (int64_t b = 1; b <= 3; ++b) {
    for (int64_t i = 1; i <= bottlenecks; ++i)
      x = bottleneck(net, "block" + std::to_string(b) + ".layer" + std::to_string(i), x, growth);
    channels += bottlenecks * growth;
    if (b == 3) break;
    channels = channels * options.at("reduction") / 100;
    x = transition(net, "transition" + std::to_string(b), x, channels);
  }
  add_classifier(net, normalized(net, "final", x, 0), classes);
  return {net.build(), {}};
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
            .source = "800,032 parameters and 287,960,472 multiplies, analytic"}},
          build};
}

}  // namespace carat
