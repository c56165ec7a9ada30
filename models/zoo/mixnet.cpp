// SPDX-License-Identifier: Apache-2.0
// MixNet: depthwise kernels of several sizes side by side, 1x1 convolutions split into two groups. Source: Tan and Le
// 2019 (MixConv), figure 5; the published code tensorflow/tpu, models/official/mnasnet/mixnet.
#include <vector>

#include "base/fail.h"
#include "models/zoo/blocks.h"
#include "models/zoo/builders.h"

namespace carat {
namespace {

struct Row {
  int64_t stage;
  int64_t repeats;
  std::vector<int64_t> kernels;
  int64_t expand_groups;
  int64_t project_groups;
  int64_t stride;
  int64_t expansion;
  int64_t channels;
  int64_t squeezed;  // percent of the block's input channels
};

const std::vector<Row>& small_rows() {
  static const std::vector<Row> table = {{0, 1, {3}, 1, 1, 1, 1, 16, 0},
                                         {1, 1, {3}, 2, 2, 2, 6, 24, 0},
                                         {1, 1, {3}, 2, 2, 1, 3, 24, 0},
                                         {2, 1, {3, 5, 7}, 1, 1, 2, 6, 40, 50},
                                         {2, 3, {3, 5}, 2, 2, 1, 6, 40, 50},
                                         {3, 1, {3, 5, 7}, 1, 2, 2, 6, 80, 25},
                                         {3, 2, {3, 5}, 1, 2, 1, 6, 80, 25},
                                         {4, 1, {3, 5, 7}, 2, 2, 1, 6, 120, 50},
                                         {4, 2, {3, 5, 7, 9}, 2, 2, 1, 3, 120, 50},
                                         {5, 1, {3, 5, 7, 9, 11}, 1, 1, 2, 6, 200, 50},
                                         {5, 2, {3, 5, 7, 9}, 1, 2, 1, 6, 200, 50}};
  return table;
}

const std::vector<Row>& medium_rows() {
  static const std::vector<Row> table = {{0, 1, {3}, 1, 1, 1, 1, 24, 0},
                                         {1, 1, {3, 5, 7}, 2, 2, 2, 6, 32, 0},
                                         {1, 1, {3}, 2, 2, 1, 3, 32, 0},
                                         {2, 1, {3, 5, 7, 9}, 1, 1, 2, 6, 40, 50},
                                         {2, 3, {3, 5}, 2, 2, 1, 6, 40, 50},
                                         {3, 1, {3, 5, 7}, 1, 1, 2, 6, 80, 25},
                                         {3, 3, {3, 5, 7, 9}, 2, 2, 1, 6, 80, 25},
                                         {4, 1, {3}, 1, 1, 1, 6, 120, 50},
                                         {4, 3, {3, 5, 7, 9}, 2, 2, 1, 3, 120, 50},
                                         {5, 1, {3, 5, 7, 9}, 1, 1, 2, 6, 200, 50},
                                         {5, 3, {3, 5, 7, 9}, 1, 2, 1, 6, 200, 50}};
  return table;
}

ZooNetwork build(const ModelValues& options, const Shape& input, int64_t classes) {
  const bool is_small = options.at("small") == 1;
  const int64_t percent = options.at("width");
  BlockNet b("mixnet");
  b.layouts = {"timm"};
  std::string x = conv_bn(b, "stem", b.net.input(input),
                          {.out_channels = rounded_to_8(is_small ? 16 : 24, percent), .kernel = 3, .stride = 2},
                          OpKind::relu, {{"timm", {"conv_stem", "bn1"}}});
  int64_t number = 0;
  int64_t in_stage = 0;
  int64_t stage = 0;
  for (const Row& row : is_small ? small_rows() : medium_rows()) {
    if (row.stage != stage) in_stage = 0;
    stage = row.stage;
    for (int64_t i = 0; i < row.repeats; ++i) {
      const int64_t channels = b.net.shape_of(x).channels;
      InvertedResidual block;
      block.name = fmt::format("block{}", number++);
      block.modules = {{"timm", fmt::format("blocks.{}.{}", stage, in_stage++)}};
      block.hidden = channels * row.expansion;
      block.out = rounded_to_8(row.channels, percent);
      block.stride = row.stride;
      block.kernels = row.kernels;
      block.expand_groups = row.expand_groups;
      block.project_groups = row.project_groups;
      block.activation = stage < 2 ? OpKind::relu : OpKind::swish;
      block.squeezed = channels * row.squeezed / 100;
      block.squeeze_activation = OpKind::swish;
      x = inverted_residual(b, x, block);
    }
  }
  x = conv_bn(b, "head", x, {.out_channels = 1536}, OpKind::relu, {{"timm", {"conv_head", "bn2"}}});
  add_head(b, x, classes, static_cast<double>(options.at("dropout")) / 100.0, {{"timm", "classifier"}});
  return {b.net.build(), b.names};
}

}  // namespace

ZooEntry mixnet_entry() {
  return {"mixnet",
          "depthwise kernels of several sizes side by side (Tan and Le 2019)",
          {{"small", 0, 1, 1, "1: the blocks of MixNet-S, 0: of M and L"},
           {"width", 10, 400, 100, "percent of the channels; L: 130"},
           {"dropout", 0, 90, 20, "percent, before the classifier"}},
          {{.name = "mixnet_s",
            .options = {{"small", 1}},
            .input = {3, 224, 224},
            .classes = 1000,
            .preprocessing = imagenet_preprocessing(Interpolation::bicubic),
            .weights = 4094488,
            .batch_norm_values = 32192,
            .biases = 7926,
            .mults = 239173360,
            .source = "4,134,606 parameters and 239,173,360 multiplies, analytic, equal to timm's",
            .accuracy = 75.8,
            .accuracy_source = "Tan and Le 2019 (MixConv), table 2"},
           {.name = "mixnet_m",
            .options = {{"small", 0}, {"dropout", 25}},
            .input = {3, 224, 224},
            .classes = 1000,
            .preprocessing = imagenet_preprocessing(Interpolation::bicubic),
            .weights = 4962472,
            .batch_norm_values = 41712,
            .biases = 10198,
            .mults = 339172672,
            .source = "timm 1.0.31, tools/count_networks.py",
            .accuracy = 77.0,
            .accuracy_source = "Tan and Le 2019 (MixConv), table 2"},
           {.name = "mixnet_l",
            .options = {{"small", 0}, {"width", 130}, {"dropout", 25}},
            .input = {3, 224, 224},
            .classes = 1000,
            .preprocessing = imagenet_preprocessing(Interpolation::bicubic),
            .weights = 7261784,
            .batch_norm_values = 54272,
            .biases = 13196,
            .mults = 555251792,
            .source = "timm 1.0.31, tools/count_networks.py",
            .accuracy = 78.9,
            .accuracy_source = "Tan and Le 2019 (MixConv), table 2"}},
          build};
}

}  // namespace carat
