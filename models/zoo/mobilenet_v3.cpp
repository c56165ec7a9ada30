// SPDX-License-Identifier: Apache-2.0
// MobileNetV3-Large. Source: Howard et al. 2019, table 1; epsilon and the channels of squeeze and excite as
// torchvision.
#include <vector>

#include "base/fail.h"
#include "models/zoo/blocks.h"
#include "models/zoo/builders.h"

namespace carat {
namespace {

constexpr bool kSqueeze = true;
constexpr bool kPlain = false;

struct Row {
  int64_t stage;  // as timm counts them
  int64_t kernel;
  int64_t hidden;
  int64_t out;
  bool squeezes;
  OpKind activation;
  int64_t stride;
};
const std::vector<Row>& rows() {
  constexpr OpKind kRelu = OpKind::relu;
  constexpr OpKind kSwish = OpKind::hard_swish;
  static const std::vector<Row> table = {{0, 3, 16, 16, kPlain, kRelu, 1},      {1, 3, 64, 24, kPlain, kRelu, 2},
                                         {1, 3, 72, 24, kPlain, kRelu, 1},      {2, 5, 72, 40, kSqueeze, kRelu, 2},
                                         {2, 5, 120, 40, kSqueeze, kRelu, 1},   {2, 5, 120, 40, kSqueeze, kRelu, 1},
                                         {3, 3, 240, 80, kPlain, kSwish, 2},    {3, 3, 200, 80, kPlain, kSwish, 1},
                                         {3, 3, 184, 80, kPlain, kSwish, 1},    {3, 3, 184, 80, kPlain, kSwish, 1},
                                         {4, 3, 480, 112, kSqueeze, kSwish, 1}, {4, 3, 672, 112, kSqueeze, kSwish, 1},
                                         {5, 5, 672, 160, kSqueeze, kSwish, 2}, {5, 5, 960, 160, kSqueeze, kSwish, 1},
                                         {5, 5, 960, 160, kSqueeze, kSwish, 1}};
  return table;
}

ZooNetwork build(const ModelValues& options, const Shape& input, int64_t classes) {
  BlockNet b("mobilenet_v3_large");
  b.layouts = {"torchvision", "timm"};
  b.epsilon = static_cast<double>(options.at("epsilon")) * 1e-6;
  std::string x =
      conv_bn(b, "stem", b.net.input(input), {.out_channels = 16, .kernel = 3, .stride = 2}, OpKind::hard_swish,
              {{"torchvision", {"features.0.0", "features.0.1"}}, {"timm", {"conv_stem", "bn1"}}});
  int64_t stage = 0;
  int64_t in_stage = 0;
  for (size_t i = 0; i < rows().size(); ++i) {
    const Row& row = rows()[i];
    in_stage = row.stage == stage && i > 0 ? in_stage + 1 : 0;
    stage = row.stage;
    InvertedResidual block;
    block.name = fmt::format("block{}", i);
    block.modules = {{"torchvision", fmt::format("features.{}.block", i + 1)},
                     {"timm", fmt::format("blocks.{}.{}", stage, in_stage)}};
    block.hidden = row.hidden;
    block.out = row.out;
    block.stride = row.stride;
    block.kernels = {row.kernel};
    block.activation = row.activation;
    block.squeezed = row.squeezes ? rounded_to_8(row.hidden / 4, 100) : 0;
    block.gate = OpKind::hard_sigmoid;
    x = inverted_residual(b, x, block);
  }
  x = conv_bn(b, "head", x, {.out_channels = 960}, OpKind::hard_swish,
              {{"torchvision", {"features.16.0", "features.16.1"}}, {"timm", {"blocks.6.0.conv", "blocks.6.0.bn1"}}});
  x = b.net.linear("hidden", b.net.unary(OpKind::global_avg_pool, "pool", x), 1280);
  x = b.note(x, {{"torchvision", "classifier.0"}, {"timm", "conv_head"}});
  x = b.net.dropout("dropout", b.net.unary(OpKind::hard_swish, "hidden.hard_swish", x), 0.2);
  b.note(b.net.linear("classifier", x, classes), {{"torchvision", "classifier.3"}, {"timm", "classifier"}});
  return {b.net.build(), b.names};
}

}  // namespace

ZooEntry mobilenet_v3_entry() {
  return {"mobilenet_v3_large",
          "inverted residuals with squeeze and excite and hard swish (Howard et al. 2019)",
          {{"epsilon", 1, 100000, 1000, "of batch norm, in millionths: torchvision's weights need 1000, timm's 10"}},
          {{.name = "mobilenet_v3_large",
            .options = {},
            .input = {3, 224, 224},
            .classes = 1000,
            .preprocessing = imagenet_preprocessing(),
            .weights = 5451272,
            .batch_norm_values = 24400,
            .biases = 7360,
            .mults = 216589760,
            .source = "5,483,032 parameters and 216,589,760 multiplies, analytic, equal to torchvision's",
            .accuracy = 74.042,
            .accuracy_source = "torchvision 0.26, MobileNet_V3_Large_Weights.IMAGENET1K_V1"}},
          build};
}

}  // namespace carat
