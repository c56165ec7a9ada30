// SPDX-License-Identifier: Apache-2.0
// The dense network of team OSI AI for CIFAR-100, 2019, before its pruning: inverted residuals with squeeze and excite
// on images upsampled to 63 pixels. Stride-2 convolutions pad one row below and one column to the right only. Layers
// have the published names. Source: Lee-Gihun/MicroNet_OSI-AI, models/EfficientNet.py.
#include <vector>

#include "models/zoo/builders.h"

namespace carat {
namespace {

struct Block {
  int64_t squeezed;
  int64_t channels;
  int64_t stride;
};

class Builder {
 public:
  ZooNetwork build(const Shape& input, int64_t classes) {
    static const std::vector<Block> blocks = {{4, 16, 1}, {3, 24, 1},  {4, 40, 2},  {8, 40, 1},  {8, 48, 1},
                                              {9, 64, 1}, {12, 64, 1}, {12, 80, 2}, {16, 80, 1}, {16, 96, 1}};
    constexpr int64_t kPixels = 63;
    constexpr int64_t kStem = 24;
    constexpr int64_t kHead = 136;
    const std::string image = net_.upsample("upsample", net_.input(input), kPixels);
    std::string x = active("_conv_stem", "_bn0", image, {.out_channels = kStem, .kernel = 3, .stride = 2});
    for (size_t i = 0; i < blocks.size(); ++i) x = block("_blocks." + std::to_string(i), x, blocks[i], i > 0);
    x = active("_conv_head", "_bn1", x, {.out_channels = kHead, .kernel = 1});
    net_.linear("_fc", net_.unary(OpKind::global_avg_pool, "_pool", x), classes);
    ModelGraph graph = net_.build();
    LayerNames names = LayerNames::same("published", graph);
    return {std::move(graph), std::move(names)};
  }

 private:
  std::string conv(const std::string& name, const std::string& from, const GraphBuilder::Conv& shape) {
    if (shape.stride == 1) return net_.conv(name, from, shape);
    LayerSpec layer;
    layer.name = name;
    layer.op = OpKind::conv;
    layer.inputs = {from};
    layer.out_channels = shape.out_channels;
    layer.kernel = shape.kernel;
    layer.stride = shape.stride;
    layer.groups = shape.groups;
    layer.extra_padding = 1;
    return net_.add(layer);
  }

  std::string active(const std::string& name, const std::string& norm, const std::string& from,
                     const GraphBuilder::Conv& shape) {
    return net_.unary(OpKind::swish, norm + ".swish", net_.batch_norm(norm, conv(name, from, shape)));
  }

  std::string excited(const std::string& name, const std::string& from, int64_t squeezed) {
    const int64_t channels = net_.shape_of(from).channels;
    std::string x = net_.unary(OpKind::global_avg_pool, name + "._squeeze", from);
    x = net_.conv(name + "._se_reduce", x, {.out_channels = squeezed, .has_bias = true});
    x = net_.unary(OpKind::swish, name + "._se_reduce.swish", x);
    x = net_.conv(name + "._se_expand", x, {.out_channels = channels, .has_bias = true});
    x = net_.unary(OpKind::sigmoid, name + "._se_expand.sigmoid", x);
    return net_.join(OpKind::multiply, name + "._excite", {from, x});
  }

  std::string block(const std::string& name, const std::string& from, const Block& block, bool expands) {
    constexpr int64_t kExpansion = 6;
    const int64_t in = net_.shape_of(from).channels;
    const int64_t hidden = expands ? in * kExpansion : in;
    std::string x = from;
    if (expands) x = active(name + "._expand_conv", name + "._bn0", x, {.out_channels = hidden});
    x = active(name + "._conv", name + "._bn1", x,
               {.out_channels = hidden, .kernel = 3, .stride = block.stride, .groups = hidden});
    x = excited(name, x, block.squeezed);
    x = net_.batch_norm(name + "._bn2", conv(name + "._project_conv", x, {.out_channels = block.channels}));
    if (block.stride == 1 && in == block.channels) x = net_.join(OpKind::add, name + "._add", {x, from});
    return x;
  }

  GraphBuilder net_{"osi_dense"};
};

ZooNetwork build(const ModelValues& /*options*/, const Shape& input, int64_t classes) {
  return Builder().build(input, classes);
}

Preprocessing preprocessing() {
  Preprocessing how;
  how.mean = {0.5071, 0.4867, 0.4408};
  how.deviation = {0.2675, 0.2565, 0.2761};
  return how;
}

}  // namespace

ZooEntry osi_dense_entry() {
  return {"osi_dense",
          "OSI AI's dense CIFAR-100 network of 2019: inverted residuals, squeeze and excite, swish",
          {},
          {{.name = "osi_dense",
            .options = {},
            .input = {3, 32, 32},
            .classes = 100,
            .preprocessing = preprocessing(),
            .weights = 467824,
            .batch_norm_values = 12416,
            .biases = 2952,
            .mults = 56597872,
            .source = "the published tensors and layer table, tools/count_cifar_networks.py",
            .accuracy = 80.86,
            .accuracy_source = "Lee-Gihun/MicroNet_OSI-AI, results/trained_models/baseline/model_info.json",
            .weights_file = "entries/osi-dense.safetensors",
            .track = "cifar100"}},
          build};
}

}  // namespace carat
