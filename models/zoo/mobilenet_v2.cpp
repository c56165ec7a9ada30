// SPDX-License-Identifier: Apache-2.0
// MobileNetV2. Source: Sandler et al. 2018, table 2; channels are rounded to multiples of 8 as torchvision does.
#include <algorithm>
#include <vector>

#include "base/fail.h"
#include "models/zoo/blocks.h"
#include "models/zoo/builders.h"

namespace carat {
namespace {

struct Row {
  int64_t expansion;
  int64_t channels;
  int64_t repeats;
  int64_t stride;
};
const std::vector<Row>& rows() {
  static const std::vector<Row> table = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                                         {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
  return table;
}

ZooNetwork build(const ModelValues& options, const Shape& input, int64_t classes) {
  const int64_t percent = options.at("width");
  BlockNet b("mobilenet_v2");
  b.padding = options.at("same_padding") == 1 ? Padding::same : Padding::half;
  b.is_merged = options.at("batch_norm") == 0;
  b.layouts = b.is_merged ? std::set<std::string>{"published"} : std::set<std::string>{"torchvision", "timm"};
  std::string x = conv_bn(
      b, "stem", b.net.input(input), {.out_channels = rounded_to_8(32, percent), .kernel = 3, .stride = 2},
      OpKind::relu6,
      {{"torchvision", {"features.0.0", "features.0.1"}}, {"timm", {"conv_stem", "bn1"}}, {"published", {"stem", ""}}});
  int64_t number = 0;
  for (size_t stage = 0; stage < rows().size(); ++stage) {
    const Row& row = rows()[stage];
    for (int64_t i = 0; i < row.repeats; ++i) {
      InvertedResidual block;
      block.name = fmt::format("block{}", number);
      block.modules = {{"torchvision", fmt::format("features.{}.conv", number + 1)},
                       {"timm", fmt::format("blocks.{}.{}", stage, i)},
                       {"published", block.name}};
      block.hidden = b.net.shape_of(x).channels * row.expansion;
      block.out = rounded_to_8(row.channels, percent);
      block.stride = i == 0 ? row.stride : 1;
      x = inverted_residual(b, x, block);
      ++number;
    }
  }
  x = conv_bn(b, "head", x, {.out_channels = rounded_to_8(1280, std::max<int64_t>(100, percent))}, OpKind::relu6,
              {{"torchvision", {"features.18.0", "features.18.1"}},
               {"timm", {"conv_head", "bn2"}},
               {"published", {"head", ""}}});
  add_head(b, x, classes, 0.2, {{"torchvision", "classifier.1"}, {"timm", "classifier"}, {"published", "fc"}});
  return {b.net.build(), b.names};
}

// TensorFlow's weights: images in [-1, 1], a background class before the others.
Preprocessing tensorflow_preprocessing() {
  Preprocessing how = halves_preprocessing();
  how.interpolation = Interpolation::bilinear;
  how.background_classes = 1;
  return how;
}

}  // namespace

ZooEntry mobilenet_v2_entry() {
  return {"mobilenet_v2",
          "inverted residuals with linear bottlenecks (Sandler et al. 2018)",
          {{"width", 10, 400, 100, "percent of the channels"},
           {"same_padding", 0, 1, 0, "1: TensorFlow's SAME padding, 0: the same zeros on every side"},
           {"batch_norm", 0, 1, 1, "0: merged, convolutions have a bias"}},
          {{.name = "mobilenet_v2_100",
            .options = {{"width", 100}},
            .input = {3, 224, 224},
            .classes = 1000,
            .preprocessing = imagenet_preprocessing(),
            .weights = 3469760,
            .batch_norm_values = 34112,
            .biases = 1000,
            .mults = 300774272,
            .source = "3,504,872 parameters and 300,774,272 multiplies, analytic, equal to torchvision's",
            .accuracy = 71.878,
            .accuracy_source = "torchvision 0.26, MobileNet_V2_Weights.IMAGENET1K_V1"},
           {.name = "mobilenet_v2_140",
            .options = {{"width", 140}},
            .input = {3, 224, 224},
            .classes = 1000,
            .preprocessing = imagenet_preprocessing(Interpolation::bicubic),
            .weights = 6059840,
            .batch_norm_values = 47936,
            .biases = 1000,
            .mults = 582195824,
            .source = "6,108,776 parameters and 582,195,824 multiplies, analytic",
            .accuracy = 74.7,
            .accuracy_source = "Sandler et al. 2018, table 4"},
           {.name = "mobilenet_v2_100_tf",
            .options = {{"width", 100}, {"same_padding", 1}, {"batch_norm", 0}},
            .input = {3, 224, 224},
            .classes = 1001,
            .preprocessing = tensorflow_preprocessing(),
            .weights = 3471040,
            .batch_norm_values = 0,
            .biases = 18057,
            .mults = 300775552,
            .source = "mobilenet_v2_100 with one class more, and a bias for each of 17,056 channels of batch norm",
            .accuracy = 71.8,
            .accuracy_source = "tensorflow/models, research/slim/nets/mobilenet/README.md, mobilenet_v2_1.0_224",
            .weights_file = "weights/mobilenetv2_1.0_224-imagenet-floatbody-fc8.safetensors"}},
          build};
}

}  // namespace carat
