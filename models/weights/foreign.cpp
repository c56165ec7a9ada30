// SPDX-License-Identifier: Apache-2.0
#include "models/weights/foreign.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/fail.h"

namespace carat {
namespace {

struct BufferName {
  std::string layer;
  std::string suffix;  // with its dot
};

BufferName split(const std::string& buffer) {
  const size_t dot = buffer.rfind('.');
  return {buffer.substr(0, dot), buffer.substr(dot)};
}

std::string module_of(const Layout& layout, const std::string& layer) {
  const auto found = layout.modules.find(layer);
  return found == layout.modules.end() ? layer : found->second;
}

bool is_linear_weight(const ModelGraph& graph, const std::string& buffer) {
  const auto [layer, suffix] = split(buffer);
  return suffix == ".weight" && graph.layer(layer).op == OpKind::linear;
}

bool is_code(const ModelGraph& graph, const std::string& buffer) {
  const auto [name, suffix] = split(buffer);
  const LayerSpec& layer = graph.layer(name);
  return suffix == ".weight" && layer.quant && layer.has_unit_scale;
}

bool is_floating(const std::string& type) {
  static const std::set<std::string> types = {"F32", "F16", "BF16", "F64"};
  return types.contains(type);
}

bool is_integer(const std::string& type) {
  static const std::set<std::string> types = {"I8", "U8", "I16", "I32", "I64"};
  return types.contains(type);
}

// "" when the tensor is as the buffer asks for.
std::string misfit(const ModelGraph& graph, const std::string& buffer, const std::vector<int64_t>& shape,
                   const RawTensor& tensor) {
  const bool flat = is_linear_weight(graph, buffer) && tensor.shape == std::vector<int64_t>{shape[0], shape[1]};
  if (tensor.shape != shape && !flat)
    return fmt::format("expected shape {}, got {}", fmt::join(shape, "x"),
                       tensor.shape.empty() ? "a single value" : fmt::format("{}", fmt::join(tensor.shape, "x")));
  const bool takes_integers = is_code(graph, buffer);
  if (is_floating(tensor.type) || (takes_integers && is_integer(tensor.type))) return "";
  return fmt::format("expected type F32, F16, BF16{}, got {}", takes_integers ? ", F64 or an integer" : " or F64",
                     tensor.type);
}

// Names of biases that Scale layers of the graph do not have.
std::set<std::string> absent_biases(const ModelGraph& graph, const Layout& layout) {
  std::set<std::string> names;
  for (const LayerSpec& layer : graph.layers())
    if (layer.op == OpKind::scale && !layer.has_bias) names.insert(module_of(layout, layer.name) + ".bias");
  return names;
}

bool is_zero(const RawTensor& tensor, const std::string& name) {
  if (!is_floating(tensor.type)) return false;
  const std::vector<float> values = to_floats(tensor, name, "");
  return std::all_of(values.begin(), values.end(), [](float value) { return value == 0.0F; });
}

[[noreturn]] void refuse(const Mismatches& found, const std::string& origin, const std::string& network,
                         const Layout& layout) {
  std::string message = fmt::format(
      "{}: not the network {} in layout {}: {} tensors do not fit: {} missing, {} surplus, {} of another shape or type",
      origin, network, layout.name, found.count(), found.missing.size(), found.surplus.size(), found.misfits.size());
  for (const std::vector<std::string>* lines : {&found.missing, &found.surplus, &found.misfits})
    for (const std::string& line : *lines) message += "\n  " + line;
  fail("{}", message);
}

void add_masks(Model& model) {
  for (const LayerSpec& layer : model.graph.layers()) {
    if (!layer.is_masked) continue;
    const Buffer& weights = model.buffer(layer.name + ".weight");
    SparsityMask mask{weights.shape, std::vector<uint8_t>(weights.values.size())};
    for (size_t i = 0; i < mask.kept.size(); ++i) mask.kept[i] = weights.values[i] != 0.0F ? 1 : 0;
    model.masks[layer.name] = std::move(mask);
  }
}

}  // namespace

std::string foreign_name(const ModelGraph& graph, const Layout& layout, const std::string& buffer) {
  const auto [layer, suffix] = split(buffer);
  const bool is_factor = graph.layer(layer).op == OpKind::scale && suffix == ".scale";
  return module_of(layout, layer) + (is_factor ? ".weight" : suffix);
}

Mismatches mismatches(const TensorFile& file, const ModelGraph& graph, const Layout& layout) {
  Mismatches found;
  std::set<std::string> wanted;
  for (const auto& [name, shape] : buffer_shapes(graph)) {
    const std::string foreign = foreign_name(graph, layout, name);
    wanted.insert(foreign);
    const auto tensor = file.tensors.find(foreign);
    if (tensor == file.tensors.end()) {
      found.missing.push_back(fmt::format("missing tensor '{}', shape {}", foreign, fmt::join(shape, "x")));
      continue;
    }
    const std::string wrong = misfit(graph, name, shape, tensor->second);
    if (!wrong.empty()) found.misfits.push_back(fmt::format("tensor '{}': {}", foreign, wrong));
  }
  const std::set<std::string> absent = absent_biases(graph, layout);
  for (const auto& [name, tensor] : file.tensors) {
    if (wanted.contains(name) || name.ends_with(".num_batches_tracked")) continue;
    if (absent.contains(name) && is_zero(tensor, name)) continue;
    found.surplus.push_back(fmt::format("surplus tensor '{}', shape {}", name, fmt::join(tensor.shape, "x")));
  }
  return found;
}

Model model_from_tensors(const TensorFile& file, const ModelGraph& graph, const std::string& origin,
                         const Layout& layout) {
  const Mismatches wrong = mismatches(file, graph, layout);
  if (wrong.count() > 0) refuse(wrong, origin, graph.name(), layout);
  Model model;
  model.graph = graph;
  for (const auto& [name, shape] : buffer_shapes(graph)) {
    const std::string foreign = foreign_name(graph, layout, name);
    model.buffers[name] = {shape, to_floats(file.tensors.at(foreign), foreign, origin)};
    const std::vector<float>& values = model.buffers[name].values;
    for (size_t i = 0; i < values.size(); ++i)
      require(std::isfinite(values[i]), "{}: tensor '{}': value {}: expected a finite float32 number, got {}", origin,
              foreign, i, values[i]);
  }
  add_masks(model);
  try {
    check_model(model);
  } catch (const Error& error) {
    fail("{}: {}", origin, error.what());
  }
  return model;
}

std::string tensors_from_model(const Model& model, const Layout& layout,
                               const std::map<std::string, std::string>& metadata) {
  TensorFile file{{}, metadata};
  std::map<std::string, std::string> bytes;
  const auto add = [&](const std::string& name, const std::string& type, const std::vector<int64_t>& shape,
                       std::string content) {
    std::string& kept = bytes[name] = std::move(content);
    require(file.tensors.emplace(name, RawTensor{type, shape, kept}).second,
            "network {}: layout {}: two layers have the tensor '{}'", model.graph.name(), layout.name, name);
  };
  const auto raw = [](const std::vector<float>& values) {
    return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  };
  constexpr int64_t kByteBits = 8;
  for (const auto& [name, shape] : buffer_shapes(model.graph)) {
    const auto [layer, suffix] = split(name);
    require(suffix != ".weight_scale" && model.graph.layer(layer).op != OpKind::activation_quant,
            "layer {}: expected a layer that other programs know, got a quantizer with a scale of its own", layer);
    const std::vector<float>& values = model.buffer(name).values;
    const std::vector<int64_t> written =
        is_linear_weight(model.graph, name) ? std::vector<int64_t>{shape[0], shape[1]} : shape;
    const bool is_byte = is_code(model.graph, name) && model.graph.layer(layer).quant->bits() <= kByteBits;
    std::string codes;
    if (is_byte)
      for (const float value : values) codes.push_back(static_cast<char>(static_cast<int8_t>(value)));
    add(foreign_name(model.graph, layout, name), is_byte ? "I8" : "F32", written, is_byte ? codes : raw(values));
  }
  for (const LayerSpec& layer : model.graph.layers())
    if (layer.op == OpKind::scale && !layer.has_bias) {
      const int64_t channels = model.graph.shape_of(layer.name).channels;
      add(module_of(layout, layer.name) + ".bias", "F32", {channels},
          raw(std::vector<float>(static_cast<size_t>(channels), 0.0F)));
    }
  return write_tensors(file);
}

}  // namespace carat
