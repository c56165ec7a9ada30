// SPDX-License-Identifier: Apache-2.0
// SqueezeNet 1.1. Source: Iandola et al. 2016 and its repository's SqueezeNet_v1.1, as torchvision builds it.
#include <vector>

#include "base/fail.h"
#include "models/zoo/builders.h"

namespace carat {
namespace {

struct Build {
  GraphBuilder net{"squeezenet"};
  LayerNames names;

  std::string conv(const std::string& layer, const std::string& from, GraphBuilder::Conv conv,
                   const std::string& module) {
    conv.has_bias = true;
    const std::string x = names.note(net.conv(layer + ".conv", from, conv), {{"torchvision", module}});
    return net.unary(OpKind::relu, layer + ".relu", x);
  }
  std::string pool(const std::string& layer, const std::string& from) {
    return net.pool(OpKind::max_pool, layer, from, {.kernel = 3, .stride = 2, .ceils = true});
  }
};

// A squeezing 1x1 convolution, then 1x1 and 3x3 side by side.
std::string fire(Build& b, const std::string& name, const std::string& from, int64_t squeezed,
                 const std::string& module) {
  const std::string x = b.conv(name + ".squeeze", from, {.out_channels = squeezed}, module + ".squeeze");
  const int64_t out = 4 * squeezed;
  const std::string small = b.conv(name + ".expand1x1", x, {.out_channels = out}, module + ".expand1x1");
  const std::string large = b.conv(name + ".expand3x3", x, {.out_channels = out, .kernel = 3}, module + ".expand3x3");
  return b.net.join(OpKind::concat, name + ".concat", {small, large});
}

ZooNetwork build(const ModelValues& /*options*/, const Shape& input, int64_t classes) {
  Build b;
  std::string x = b.conv("stem", b.net.input(input),
                         {.out_channels = 64, .kernel = 3, .stride = 2, .padding = Padding::none}, "features.0");
  x = b.pool("stem.pool", x);
  static const std::vector<int64_t> squeezed = {16, 16, 32, 32, 48, 48, 64, 64};
  int64_t module = 3;
  for (size_t i = 0; i < squeezed.size(); ++i) {
    const std::string name = fmt::format("fire{}", i + 2);  // the paper's numbers
    x = fire(b, name, x, squeezed[i], fmt::format("features.{}", module++));
    if (i != 1 && i != 3) continue;
    x = b.pool(name + ".pool", x);
    ++module;
  }
  x = b.conv("classifier", b.net.dropout("dropout", x, 0.5), {.out_channels = classes}, "classifier.1");
  b.net.unary(OpKind::global_avg_pool, "pool", x);
  return {b.net.build(), b.names};
}

}  // namespace

ZooEntry squeezenet_entry() {
  return {"squeezenet",
          "fire modules: few channels in, 1x1 and 3x3 out (Iandola et al. 2016), version 1.1",
          {},
          {{.name = "squeezenet1_1",
            .options = {},
            .input = {3, 224, 224},
            .classes = 1000,
            .preprocessing = imagenet_preprocessing(),
            .weights = 1231552,
            .batch_norm_values = 0,
            .biases = 3944,
            .mults = 349151936,
            .source = "torchvision 0.26, tools/count_networks.py",
            .accuracy = 58.178,
            .accuracy_source = "torchvision 0.26, SqueezeNet1_1_Weights.IMAGENET1K_V1",
            .weights_file = "weights/squeezenet1_1-imagenet-f32.safetensors"}},
          build};
}

}  // namespace carat
