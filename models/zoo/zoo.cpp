// SPDX-License-Identifier: Apache-2.0
#include "models/zoo/zoo.h"

#include <algorithm>

#include "base/fail.h"
#include "base/text.h"
#include "models/zoo/builders.h"

namespace carat {

const std::vector<ZooEntry>& zoo() {
  static const std::vector<ZooEntry> entries = {
      {"resnet8",
       "small residual network, three strided blocks",
       {{"width", 4, 256, 12, "channels of the stem; the blocks have 4/3, 8/3 and 16/3 of it"}},
       {{{{"width", 12}}, {1, 28, 28}, 10, 76652, 696, 10, 2533184, "worked by hand in tests/models/zoo_test.cpp"}},
       build_resnet8},
      {"densenet_bc",
       "DenseNet-BC for small images (Huang et al. 2017)",
       {{"depth", 10, 400, 100, "layers; depth - 4 is a multiple of 6"},
        {"growth", 1, 64, 12, "channels that every bottleneck adds"},
        {"reduction", 1, 100, 50, "percent of the channels that a transition keeps"}},
       {{{{"depth", 100}, {"growth", 12}},
         {3, 32, 32},
         100,
         775944,
         23988,
         100,
         287960472,
         "800,032 parameters and 287,960,472 multiplies of DenseNet-BC-100-12 on CIFAR-100"}},
       build_densenet_bc},
      {"wide_resnet",
       "wide residual network with pre-activation (Zagoruyko and Komodakis 2016)",
       {{"depth", 10, 100, 28, "layers; depth - 4 is a multiple of 6"},
        {"width", 1, 20, 10, "factor on the channels 16, 32, 64"}},
       {{{{"depth", 28}, {"width", 10}},
         {3, 32, 32},
         100,
         36518832,
         17952,
         100,
         5243386368,
         "36,536,884 parameters and 5,243,386,368 multiplies of WRN-28-10 on CIFAR-100"}},
       build_wide_resnet},
      {"mobilenet_v2",
       "inverted residuals with linear bottlenecks (Sandler et al. 2018)",
       {{"width", 10, 400, 100, "percent of the channels"}},
       {{{{"width", 100}},
         {3, 224, 224},
         1000,
         3469760,
         34112,
         1000,
         300774272,
         "3,504,872 parameters and 300,774,272 multiplies of torchvision's mobilenet_v2"},
        {{{"width", 140}},
         {3, 224, 224},
         1000,
         6059840,
         47936,
         1000,
         582195824,
         "6,108,776 parameters and 582,195,824 multiplies at width 1.4"}},
       build_mobilenet_v2},
      {"riair_cifar100",
       "the winner's final CIFAR-100 network of 2019: DenseNet-BC-100-12 on integer codes with Scale layers",
       {},
       {{{}, {3, 32, 32}, 100, 775944, 0, 0, 287960472, "peiswang/MicroNetChallenge, branch cifar100"}},
       build_riair_cifar100,
       "cifar100"},
  };
  return entries;
}

const ZooEntry& zoo_entry(const std::string& name) {
  std::vector<std::string> names;
  for (const ZooEntry& entry : zoo()) {
    if (entry.name == name) return entry;
    names.push_back(entry.name);
  }
  const std::string nearest = nearest_name(name, names);
  fail("unknown network '{}', expected one of: {}{}", name, join(names, ", "),
       nearest.empty() ? "" : "; did you mean '" + nearest + "'?");
}

ModelGraph build_model(const std::string& name, const ModelValues& options, const Shape& input, int64_t classes) {
  const ZooEntry& entry = zoo_entry(name);
  ModelValues values;
  std::vector<std::string> names;
  for (const ModelOption& option : entry.options) {
    values[option.name] = option.default_value;
    names.push_back(option.name);
  }
  for (const auto& [key, value] : options) {
    const auto option = std::find_if(entry.options.begin(), entry.options.end(),
                                     [&key = key](const ModelOption& o) { return o.name == key; });
    if (option == entry.options.end()) {
      const std::string nearest = nearest_name(key, names);
      fail("network {}: unknown option '{}', expected one of: {}{}", name, key, join(names, ", "),
           nearest.empty() ? "" : "; did you mean '" + nearest + "'?");
    }
    require(value >= option->lowest && value <= option->highest,
            "network {}: {}: expected an integer in [{}, {}], got {}", name, key, option->lowest, option->highest,
            value);
    values[key] = value;
  }
  return entry.build(values, input, classes);
}

int64_t count_mults(const ModelGraph& graph) {
  int64_t mults = 0;
  for (const std::string& name : graph.weight_layers()) {
    const Shape& out = graph.shape_of(name);
    mults += graph.weight_count(graph.layer(name)) * out.height * out.width;
  }
  return mults;
}

}  // namespace carat
