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
  LayerSpec concat;
  concat.name = name + ".concat";
  concat.op = OpKind::concat;
  concat.inputs = {from, x};
  return net.add(concat);
}

std::string transition(GraphBuilder& net, const std::string& name, const std::string& from, int64_t channels) {
  std::string x = normalized(net, name, from, 0);
  x = net.conv(name + ".conv", x, {.out_channels = channels, .kernel = 1});
  LayerSpec pool;
  pool.name = name + ".pool";
  pool.op = OpKind::avg_pool;
  pool.inputs = {x};
  pool.kernel = pool.stride = 2;
  return net.add(pool);
}

}  // namespace

ModelGraph build_densenet_bc(const ModelValues& options, const Shape& input, int64_t classes) {
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
  return net.build();
}

}  // namespace carat
