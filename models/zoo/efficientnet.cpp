// SPDX-License-Identifier: Apache-2.0
// EfficientNet and EfficientNet-Lite. Source: Tan and Le 2019, table 1 and section 4; lite: tensorflow/tpu, models/
// official/efficientnet/lite: no squeeze and excite, relu6, stem, head and the outer stages are not scaled.
#include <vector>

#include "base/fail.h"
#include "models/zoo/blocks.h"
#include "models/zoo/builders.h"

namespace carat {
namespace {

struct Row {
  int64_t expansion;
  int64_t kernel;
  int64_t stride;
  int64_t channels;
  int64_t repeats;
};
const std::vector<Row>& rows() {
  static const std::vector<Row> table = {{1, 3, 1, 16, 1},  {6, 3, 2, 24, 2},  {6, 5, 2, 40, 2}, {6, 3, 2, 80, 3},
                                         {6, 5, 1, 112, 3}, {6, 5, 2, 192, 4}, {6, 3, 1, 320, 1}};
  return table;
}

std::string build_blocks(BlockNet& b, std::string x, const ModelValues& options) {
  const bool is_lite = options.at("lite") == 1;
  int64_t number = 0;
  for (size_t stage = 0; stage < rows().size(); ++stage) {
    const Row& row = rows()[stage];
    const bool is_outer = stage == 0 || stage + 1 == rows().size();
    const int64_t percent = is_lite && is_outer ? 100 : options.at("depth");
    const int64_t repeats = (row.repeats * percent + 99) / 100;
    for (int64_t i = 0; i < repeats; ++i) {
      const int64_t channels = b.net.shape_of(x).channels;
      InvertedResidual block;
      block.name = fmt::format("block{}", number);
      block.modules = {{"torchvision", fmt::format("features.{}.{}.block", stage + 1, i)},
                       {"timm", fmt::format("blocks.{}.{}", stage, i)},
                       {"efficientnet_lite", fmt::format("_blocks.{}", number)}};
      block.hidden = channels * row.expansion;
      block.out = rounded_to_8(row.channels, options.at("width"));
      block.stride = i == 0 ? row.stride : 1;
      block.kernels = {row.kernel};
      block.activation = is_lite ? OpKind::relu6 : OpKind::swish;
      block.squeezed = is_lite ? 0 : channels / 4;
      block.squeeze_activation = OpKind::swish;
      x = inverted_residual(b, x, block);
      ++number;
    }
  }
  return x;
}

ZooNetwork build(const ModelValues& options, const Shape& input, int64_t classes) {
  const bool is_lite = options.at("lite") == 1;
  const int64_t percent = is_lite ? 100 : options.at("width");
  const OpKind activation = is_lite ? OpKind::relu6 : OpKind::swish;
  BlockNet b("efficientnet");
  b.padding = options.at("same_padding") == 1 ? Padding::same : Padding::half;
  b.epsilon = static_cast<double>(options.at("epsilon")) * 1e-6;
  b.layouts = {"timm", is_lite ? "efficientnet_lite" : "torchvision"};
  std::string x = conv_bn(b, "stem", b.net.input(input),
                          {.out_channels = rounded_to_8(32, percent), .kernel = 3, .stride = 2}, activation,
                          {{"torchvision", {"features.0.0", "features.0.1"}},
                           {"timm", {"conv_stem", "bn1"}},
                           {"efficientnet_lite", {"_conv_stem", "_bn0"}}});
  x = build_blocks(b, x, options);
  x = conv_bn(b, "head", x, {.out_channels = rounded_to_8(1280, percent)}, activation,
              {{"torchvision", {"features.8.0", "features.8.1"}},
               {"timm", {"conv_head", "bn2"}},
               {"efficientnet_lite", {"_conv_head", "_bn1"}}});
  add_head(b, x, classes, static_cast<double>(options.at("dropout")) / 100.0,
           {{"torchvision", "classifier.1"}, {"timm", "classifier"}, {"efficientnet_lite", "_fc"}});
  return {b.net.build(), b.names};
}

}  // namespace

ZooEntry efficientnet_entry() {
  return {"efficientnet",
          "inverted residuals scaled in width, depth and resolution (Tan and Le 2019)",
          {{"width", 10, 400, 100, "percent of the channels"},
           {"depth", 10, 400, 100, "percent of the blocks of every stage, rounded up"},
           {"dropout", 0, 90, 20, "percent, before the classifier"},
           {"lite", 0, 1, 0, "1: without squeeze and excite, with relu6"},
           {"same_padding", 0, 1, 0, "1: TensorFlow's SAME padding, 0: the same zeros on every side"},
           {"epsilon", 1, 100000, 10, "of batch norm, in millionths"}},
          {{.name = "efficientnet_b0",
            .options = {{"width", 100}, {"depth", 100}, {"dropout", 20}},
            .input = {3, 224, 224},
            .classes = 1000,
            .preprocessing = imagenet_preprocessing(Interpolation::bicubic, 256),
            .weights = 5236192,
            .batch_norm_values = 42016,
            .biases = 10340,
            .mults = 385814752,
            .source = "5,288,548 parameters and 385,814,752 multiplies, analytic, equal to torchvision's",
            .accuracy = 77.692,
            .accuracy_source = "torchvision 0.26, EfficientNet_B0_Weights.IMAGENET1K_V1"},
           {.name = "efficientnet_b1",
            .options = {{"width", 100}, {"depth", 110}, {"dropout", 20}},
            .input = {3, 240, 240},
            .classes = 1000,
            .preprocessing = imagenet_preprocessing(Interpolation::bicubic, 256),
            .weights = 7716976,
            .batch_norm_values = 62048,
            .biases = 15160,
            .mults = 686802832,
            .source = "torchvision 0.26.0, tools/count_networks.py",
            .accuracy = 78.642,
            .accuracy_source = "torchvision 0.26, EfficientNet_B1_Weights.IMAGENET1K_V1"},
           {.name = "efficientnet_b2",
            .options = {{"width", 110}, {"depth", 120}, {"dropout", 30}},
            .input = {3, 260, 260},
            .classes = 1000,
            .preprocessing = imagenet_preprocessing(Interpolation::bicubic, 292),
            .weights = 9026016,
            .batch_norm_values = 67568,
            .biases = 16410,
            .mults = 993561872,
            .source = "torchvision 0.26.0, tools/count_networks.py",
            .accuracy = 80.1,
            .accuracy_source = "Tan and Le 2019, table 2; torchvision's weights are meant for 288 pixels"},
           {.name = "efficientnet_b3",
            .options = {{"width", 120}, {"depth", 140}, {"dropout", 30}},
            .input = {3, 300, 300},
            .classes = 1000,
            .preprocessing = imagenet_preprocessing(Interpolation::bicubic, 320),
            .weights = 12124856,
            .batch_norm_values = 87296,
            .biases = 21080,
            .mults = 1827141392,
            .source = "torchvision 0.26.0, tools/count_networks.py",
            .accuracy = 82.008,
            .accuracy_source = "torchvision 0.26, EfficientNet_B3_Weights.IMAGENET1K_V1"},
           {.name = "efficientnet_lite0",
            .options = {{"lite", 1}, {"same_padding", 1}, {"epsilon", 1000}},
            .input = {3, 224, 224},
            .classes = 1000,
            .preprocessing = halves_preprocessing(),
            .weights = 4608992,
            .batch_norm_values = 42016,
            .biases = 1000,
            .mults = 385187552,
            .source = "timm 1.0.31, tools/count_networks.py",
            .accuracy = 75.1,
            .accuracy_source = "tensorflow/tpu, models/official/efficientnet/lite/README.md"}},
          build};
}

}  // namespace carat
