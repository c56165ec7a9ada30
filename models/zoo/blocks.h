// SPDX-License-Identifier: Apache-2.0
// What MobileNetV2 and V3, EfficientNet and MixNet are made of.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "models/zoo/zoo.h"

namespace carat {

// A network under construction, and what all its convolutions share.
struct BlockNet {
  explicit BlockNet(const std::string& name) : net(name) {}
  // Notes the names in those layouts that fit the network.
  std::string note(const std::string& layer, const std::map<std::string, std::string>& theirs);

  GraphBuilder net;
  LayerNames names;
  std::set<std::string> layouts;
  double epsilon = 1e-5;
  Padding padding = Padding::half;
  bool is_merged = false;  // batch norm is merged: convolutions have a bias
};

// What a convolution and its batch norm are called elsewhere, by layout.
struct UnitNames {
  std::string conv;
  std::string norm;
};
using Units = std::map<std::string, UnitNames>;

// NAME.conv, NAME.bn and the activation function. Padding, and a bias where batch norm is merged, are the network's.
std::string conv_bn(BlockNet& block_net, const std::string& name, const std::string& from,
                    const GraphBuilder::Conv& conv, std::optional<OpKind> activation, const Units& theirs = {});

// Expansion 1x1, depthwise, squeeze and excite, projection 1x1; the input is added where it has the result's shape.
// Source: Sandler et al. 2018, figure 4; Howard et al. 2019, figure 4. Channels that are split into groups are
// convolved apart (MixConv, Tan and Le 2019): depthwise with one kernel size per group, 1x1 as so many convolutions.
struct InvertedResidual {
  std::string name;
  std::map<std::string, std::string> modules;  // what the block is called elsewhere, by layout
  int64_t hidden;                              // as many as the input's: no expansion
  int64_t out;
  int64_t stride = 1;
  std::vector<int64_t> kernels = {3};
  int64_t expand_groups = 1;
  int64_t project_groups = 1;
  OpKind activation = OpKind::relu6;
  int64_t squeezed = 0;  // channels between the two 1x1 convolutions of squeeze and excite; 0: there is none
  OpKind squeeze_activation = OpKind::relu;
  OpKind gate = OpKind::sigmoid;
};
std::string inverted_residual(BlockNet& block_net, const std::string& from, const InvertedResidual& block);

// Global average pool, dropout and the classifier, called so in other layouts.
std::string add_head(BlockNet& block_net, const std::string& from, int64_t classes, double dropout,
                     const std::map<std::string, std::string>& theirs);

}  // namespace carat
