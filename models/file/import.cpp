// SPDX-License-Identifier: Apache-2.0
#include "models/file/import.h"

#include <algorithm>
#include <filesystem>

#include "base/fail.h"
#include "base/text.h"
#include "models/weights/fold.h"

namespace carat {
namespace {

// A variant, or a family: its first variant's input, classes and preprocessing.
const ZooVariant& variant_of(const std::string& network) {
  const ZooVariant* named = zoo_variant(network);
  return named != nullptr ? *named : zoo_entry(network).variants.front();
}

bool has_batch_norm(const TensorFile& file) {
  return std::any_of(file.tensors.begin(), file.tensors.end(),
                     [](const auto& named) { return named.first.ends_with(".running_mean"); });
}

bool has_batch_norm(const ModelGraph& graph) {
  return std::any_of(graph.layers().begin(), graph.layers().end(),
                     [](const LayerSpec& layer) { return layer.op == OpKind::batch_norm; });
}

Layout best_layout(const TensorFile& file, const ZooNetwork& network, const ModelGraph& graph) {
  Layout best;
  size_t fewest = static_cast<size_t>(-1);
  for (const Layout& layout : layouts_of(network)) {
    const size_t count = mismatches(file, graph, layout).count();
    if (count >= fewest) continue;
    best = layout;
    fewest = count;
  }
  return best;
}

// The published entry that these tensors are; of several, the one that has this file's name.
const ZooVariant* published(const TensorFile& file, const std::string& path) {
  const ZooVariant* found = nullptr;
  for (const ZooEntry& entry : zoo())
    for (const ZooVariant& variant : entry.variants) {
      if (variant.track.empty() ||
          (found != nullptr && found->weights_file.ends_with(std::filesystem::path(path).filename().string())))
        continue;
      const ZooNetwork network = build_network(variant);
      if (mismatches(file, network.graph, best_layout(file, network, network.graph)).count() > 0) continue;
      const bool has_its_name = variant.weights_file.ends_with(std::filesystem::path(path).filename().string());
      if (found == nullptr || has_its_name) found = &variant;
    }
  return found;
}

// The same layers with weights, of the same shapes, windows and padding.
bool is_network(const ModelGraph& graph, const ModelGraph& candidate) {
  const std::vector<std::string> names = graph.weight_layers();
  if (names != candidate.weight_layers()) return false;
  return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    const LayerSpec& ours = graph.layer(name);
    const LayerSpec& theirs = candidate.layer(name);
    return graph.weight_shape(ours) == candidate.weight_shape(theirs) && ours.op == theirs.op &&
           ours.stride == theirs.stride && ours.padding == theirs.padding && ours.extra_padding == theirs.extra_padding;
  });
}

ZooNetwork network_of(const ModelGraph& graph, const ExportRequest& request) {
  const Shape& input = graph.input().input_shape;
  if (!request.network.empty()) {
    ZooNetwork network = build_network(request.network, request.options, input, graph.classes());
    require(is_network(graph, network.graph), "expected the layers of {}, got others: {} with weights, not {}",
            request.network, graph.weight_layers().size(), network.graph.weight_layers().size());
    return network;
  }
  const ZooEntry& entry = zoo_entry(graph.name());
  for (const ZooVariant& variant : entry.variants) {
    ZooNetwork network = build_network(variant.name, {}, input, graph.classes());
    if (is_network(graph, network.graph)) return network;
  }
  ZooNetwork network = build_network(entry.name, {}, input, graph.classes());
  require(is_network(graph, network.graph),
          "expected a variant of {}, got other layers: give --model {} and its options as key=value", entry.name,
          entry.name);
  return network;
}

}  // namespace

std::vector<Layout> layouts_of(const ZooNetwork& network) {
  std::vector<Layout> layouts;
  for (const auto& [name, modules] : network.names.layouts()) layouts.push_back({name, modules});
  layouts.push_back({});
  return layouts;
}

Layout layout_named(const ZooNetwork& network, const std::string& name) {
  std::vector<std::string> names;
  for (const Layout& layout : layouts_of(network)) {
    if (layout.name == name) return layout;
    names.push_back(layout.name);
  }
  fail("network {}: unknown layout '{}', expected one of: {}", network.graph.name(), name, join(names, ", "));
}

Imported import_tensors(const TensorFile& file, const std::string& path, const ImportRequest& request) {
  const ZooVariant* variant = nullptr;
  if (request.network.empty()) {
    variant = published(file, path);
    require(variant != nullptr,
            "{}: expected a Carat network under 'carat' in the metadata or the tensors of a published entry, found {} "
            "other tensors (--model NAME takes them as a network of the zoo)",
            path, file.tensors.size());
  } else {
    variant = &variant_of(request.network);
  }
  const std::string name = request.network.empty() ? variant->name : request.network;
  ZooNetwork network = build_network(name, request.options, variant->input, request.classes.value_or(variant->classes));
  if (!network.graph.input().preprocessing && variant->preprocessing != Preprocessing{})
    network.graph = with_preprocessing(network.graph, variant->preprocessing);
  const bool is_folded = has_batch_norm(network.graph) && (request.is_folded || !has_batch_norm(file));
  const ModelGraph graph = is_folded ? fold_graph(network.graph) : network.graph;
  const Layout layout =
      request.layout.empty() ? best_layout(file, network, graph) : layout_named(network, request.layout);
  return {model_from_tensors(file, graph, path, layout), name, layout.name, is_folded, variant->track};
}

std::string export_tensors(const Model& model, const ExportRequest& request) {
  const ZooNetwork network = network_of(model.graph, request);
  const Layout layout = layout_named(network, request.layout);
  for (const auto& [buffer, shape] : buffer_shapes(model.graph)) {
    const std::string layer = buffer.substr(0, buffer.rfind('.'));
    require(network.graph.has(layer), "layer {}: expected a layer of {}, which layout {} can name", layer,
            network.graph.name(), layout.name);
  }
  return tensors_from_model(model, layout);
}

}  // namespace carat
