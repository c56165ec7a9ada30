// SPDX-License-Identifier: Apache-2.0
// ShuffleNetV2. Source: Ma et al. 2018, figure 3 (c, d) and table 5.
#include <map>
#include <optional>

#include "base/fail.h"
#include "models/zoo/builders.h"

namespace carat {
namespace {

struct Build {
  GraphBuilder net{"shufflenet_v2"};
  LayerNames names;

  // The convolution is number n of the module's Sequential, its batch norm n + 1.
  std::string conv_bn(const std::string& layer, const std::string& from, const GraphBuilder::Conv& conv,
                      const std::string& module, int64_t n) {
    const std::string x =
        names.note(net.conv(layer + ".conv", from, conv), {{"torchvision", fmt::format("{}.{}", module, n)}});
    return names.note(net.batch_norm(layer + ".bn", x), {{"torchvision", fmt::format("{}.{}", module, n + 1)}});
  }
  std::string relu(const std::string& layer, const std::string& from) {
    return net.unary(OpKind::relu, layer + ".relu", from);
  }
};

// A half of the channels passes unchanged; with stride 2 both branches read all of them.
std::string unit(Build& b, const std::string& name, const std::string& from, int64_t out, const std::string& module) {
  const int64_t channels = b.net.shape_of(from).channels;
  const int64_t half = out / 2;
  const bool is_strided = channels != out;
  const int64_t stride = is_strided ? 2 : 1;
  std::string left;
  if (is_strided) {
    const std::string branch = module + ".branch1";
    left = b.conv_bn(name + ".left.depthwise", from,
                     {.out_channels = channels, .kernel = 3, .stride = 2, .groups = channels}, branch, 0);
    left = b.relu(name + ".left", b.conv_bn(name + ".left.pointwise", left, {.out_channels = half}, branch, 2));
  } else {
    left = b.net.slice(name + ".left", from, 0, half);
  }
  const std::string branch = module + ".branch2";
  std::string x = is_strided ? from : b.net.slice(name + ".right", from, half, half);
  x = b.relu(name + ".pointwise1", b.conv_bn(name + ".pointwise1", x, {.out_channels = half}, branch, 0));
  x = b.conv_bn(name + ".depthwise", x, {.out_channels = half, .kernel = 3, .stride = stride, .groups = half}, branch,
                3);
  x = b.relu(name + ".pointwise2", b.conv_bn(name + ".pointwise2", x, {.out_channels = half}, branch, 5));
  return b.net.shuffle(name + ".shuffle", b.net.join(OpKind::concat, name + ".concat", {left, x}), 2);
}

// Channels of the first of three stages, which the others double, and of the last convolution, by width in percent.
const std::map<int64_t, std::pair<int64_t, int64_t>>& channels_table() {
  static const std::map<int64_t, std::pair<int64_t, int64_t>> table = {
      {50, {48, 1024}}, {100, {116, 1024}}, {150, {176, 1024}}, {200, {244, 2048}}};
  return table;
}

ZooNetwork build(const ModelValues& options, const Shape& input, int64_t classes) {
  const auto row = channels_table().find(options.at("width"));
  require(row != channels_table().end(), "network shufflenet_v2: width: expected 50, 100, 150 or 200, got {}",
          options.at("width"));
  Build b;
  std::string x =
      b.relu("stem", b.conv_bn("stem", b.net.input(input), {.out_channels = 24, .kernel = 3, .stride = 2}, "conv1", 0));
  x = b.net.pool(OpKind::max_pool, "stem.pool", x, {.kernel = 3, .stride = 2, .padding = 1});
  constexpr int64_t kRepeats[] = {4, 8, 4};
  for (int64_t stage = 2; stage <= 4; ++stage)
    for (int64_t i = 0; i < kRepeats[stage - 2]; ++i) {
      const std::string name = fmt::format("stage{}.{}", stage, i);
      x = unit(b, name, x, row->second.first << (stage - 2), name);
    }
  x = b.relu("head", b.conv_bn("head", x, {.out_channels = row->second.second}, "conv5", 0));
  b.names.note(add_classifier(b.net, x, classes), {{"torchvision", "fc"}});
  return {b.net.build(), b.names};
}

}  // namespace

ZooEntry shufflenet_v2_entry() {
  return {"shufflenet_v2",
          "channel split and shuffle (Ma et al. 2018)",
          {{"width", 50, 200, 100, "percent: 50, 100, 150 or 200"}},
          {{.name = "shufflenet_v2_x1_0",
            .options = {{"width", 100}},
            .input = {3, 224, 224},
            .classes = 1000,
            .preprocessing = imagenet_preprocessing(),
            .weights = 2261424,
            .batch_norm_values = 16180,
            .biases = 1000,
            .mults = 144907992,
            .source = "2,278,604 parameters and 144,907,992 multiplies, analytic, equal to torchvision's",
            .accuracy = 69.362,
            .accuracy_source = "torchvision 0.26, ShuffleNet_V2_X1_0_Weights.IMAGENET1K_V1"}},
          build};
}

}  // namespace carat
