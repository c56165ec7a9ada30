// SPDX-License-Identifier: Apache-2.0
#include "models/zoo/zoo.h"

#include <algorithm>

#include "base/fail.h"
#include "base/text.h"
#include "models/zoo/builders.h"

namespace carat {

std::string LayerNames::note(const std::string& layer, const std::map<std::string, std::string>& names) {
  for (const auto& [layout, name] : names) layouts_[layout][layer] = name;
  return layer;
}

LayerNames LayerNames::same(const std::string& layout, const ModelGraph& graph) {
  LayerNames names;
  for (const LayerSpec& layer : graph.layers())
    if (has_numbers(layer)) names.note(layer.name, {{layout, layer.name}});
  return names;
}

const std::vector<ZooEntry>& zoo() {
  static const std::vector<ZooEntry> entries = {
      resnet8_entry(),      densenet_bc_entry(),    wide_resnet_entry(),  cifar_resnet_entry(), resnet_entry(),
      mobilenet_v2_entry(), mobilenet_v3_entry(),   efficientnet_entry(), mixnet_entry(),       shufflenet_v2_entry(),
      squeezenet_entry(),   riair_cifar100_entry(), osi_dense_entry(),    kaist_v2_entry()};
  return entries;
}

const ZooEntry& zoo_entry(const std::string& name) {
  std::vector<std::string> names;
  for (const ZooEntry& entry : zoo()) {
    if (entry.name == name) return entry;
    names.push_back(entry.name);
    for (const ZooVariant& variant : entry.variants) {
      if (variant.name == name) return entry;
      if (variant.name != entry.name) names.push_back(variant.name);
    }
  }
  const std::string nearest = nearest_name(name, names);
  fail("unknown network '{}', expected one of: {}{}", name, join(names, ", "),
       nearest.empty() ? "" : "; did you mean '" + nearest + "'?");
}

const ZooVariant* zoo_variant(const std::string& name) {
  for (const ZooEntry& entry : zoo())
    for (const ZooVariant& variant : entry.variants)
      if (variant.name == name) return &variant;
  return nullptr;
}

ZooNetwork build_network(const std::string& name, const ModelValues& options, const Shape& input, int64_t classes) {
  const ZooEntry& entry = zoo_entry(name);
  const ZooVariant* variant = zoo_variant(name);
  ModelValues values;
  std::vector<std::string> names;
  for (const ModelOption& option : entry.options) {
    values[option.name] = option.default_value;
    names.push_back(option.name);
  }
  if (variant != nullptr)
    for (const auto& [key, value] : variant->options) values[key] = value;
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
  ZooNetwork network = entry.build(values, input, classes);
  if (variant != nullptr && variant->preprocessing != Preprocessing{})
    network.graph = with_preprocessing(network.graph, variant->preprocessing);
  return network;
}

ZooNetwork build_network(const ZooVariant& variant) {
  return build_network(variant.name, {}, variant.input, variant.classes);
}

ModelGraph build_model(const std::string& name, const ModelValues& options, const Shape& input, int64_t classes) {
  return build_network(name, options, input, classes).graph;
}

ModelGraph with_preprocessing(const ModelGraph& graph, const Preprocessing& preprocessing) {
  std::vector<LayerSpec> layers = graph.layers();
  layers.front().preprocessing = preprocessing;
  return ModelGraph(graph.name(), layers);
}

bool is_trainable(const ZooVariant& variant) {
  if (variant.track.empty()) return true;
  const ModelGraph graph = build_network(variant).graph;
  return std::none_of(graph.layers().begin(), graph.layers().end(),
                      [](const LayerSpec& layer) { return layer.quant.has_value(); });
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
