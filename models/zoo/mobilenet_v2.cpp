// SPDX-License-Identifier: Apache-2.0
// MobileNetV2. Source: Sandler et al. 2018, table 2; channels are rounded to multiples of 8 as torchvision does.
#include <algorithm>
#include <vector>

#include "models/zoo/builders.h"

namespace carat {
namespace {

std::string conv_bn(GraphBuilder& net, const std::string& name, const std::string& from, const GraphBuilder::Conv& conv,
                    bool is_active) {
  std::string x = net.unary(OpKind::batch_norm, name + ".bn", net.conv(name + ".conv", from, conv));
  return is_active ? net.unary(OpKind::relu6, name + ".relu6", x) : x;
}

ZooNetwork build(const ModelValues& options, const Shape& input, int64_t classes) {
  struct Row {
    int64_t expansion;
    int64_t channels;
    int64_t repeats;
    int64_t stride;
  };
  static const std::vector<Row> rows = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                                        {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
  const int64_t percent = options.at("width");
  GraphBuilder net("mobilenet_v2");
  int64_t channels = rounded_to_8(32, percent);
  std::string x = conv_bn(net, "stem", net.input(input), {.out_channels = channels, .kernel = 3, .stride = 2}, true);
  int64_t number = 0;
  for (const Row& row : rows) {
    const int64_t out = rounded_to_8(row.channels, percent);
    for (int64_t i = 0; i < row.repeats; ++i) {
      const std::string name = "block" + std::to_string(number++);
      const int64_t stride = i == 0 ? row.stride : 1;
      const int64_t hidden = channels * row.expansion;
      std::string y = x;
      if (row.expansion > 1) y = conv_bn(net, name + ".expand", y, {.out_channels = hidden, .kernel = 1}, true);
      y = conv_bn(net, name + ".depthwise", y,
                  {.out_channels = hidden, .kernel = 3, .stride = stride, .groups = hidden}, true);
      y = conv_bn(net, name + ".project", y, {.out_channels = out, .kernel = 1}, false);
      if (stride == 1 && channels == out) {
        y = net.join(OpKind::add, name + ".add", {x, y});
      }
      x = y;
      channels = out;
    }
  }
  x = conv_bn(net, "head", x, {.out_channels = rounded_to_8(1280, std::max<int64_t>(100, percent)), .kernel = 1}, true);
  add_classifier(net, x, classes);
  return {net.build(), {}};
}

}  // namespace

ZooEntry mobilenet_v2_entry() {
  return {"mobilenet_v2",
          "inverted residuals with linear bottlenecks (Sandler et al. 2018)",
          {{"width", 10, 400, 100, "percent of the channels"}},
          {{.name = "mobilenet_v2_100",
            .options = {{"width", 100}},
            .input = {3, 224, 224},
            .classes = 1000,
            .preprocessing = imagenet_preprocessing(),
            .weights = 3469760,
            .batch_norm_values = 34112,
            .biases = 1000,
            .mults = 300774272,
            .source = "3,504,872 parameters and 300,774,272 multiplies, analytic, equal to torchvision's"},
           {.name = "mobilenet_v2_140",
            .options = {{"width", 140}},
            .input = {3, 224, 224},
            .classes = 1000,
            .preprocessing = imagenet_preprocessing(),
            .weights = 6059840,
            .batch_norm_values = 47936,
            .biases = 1000,
            .mults = 582195824,
            .source = "6,108,776 parameters and 582,195,824 multiplies, analytic"}},
          build};
}

}  // namespace carat
