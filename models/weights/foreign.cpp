// SPDX-License-Identifier: Apache-2.0
#include "models/weights/foreign.h"

#include <algorithm>
#include <set>

#include "base/fail.h"
#include "base/text.h"

namespace carat {
namespace {

std::string foreign_name(const ModelGraph& graph, const std::string& buffer) {
  const size_t dot = buffer.rfind('.');
  if (graph.layer(buffer.substr(0, dot)).op == OpKind::scale && buffer.substr(dot) == ".scale")
    return buffer.substr(0, dot) + ".weight";
  return buffer;
}

// A linear layer's weights are two-dimensional elsewhere.
bool same_shape(std::vector<int64_t> ours, const std::vector<int64_t>& theirs) {
  while (ours.size() > theirs.size() && ours.back() == 1) ours.pop_back();
  return ours == theirs;
}

bool is_zero_bias(const TensorFile& file, const std::string& name, const ModelGraph& graph) {
  if (!name.ends_with(".bias") || !graph.has(name.substr(0, name.size() - 5))) return false;
  const std::vector<float> values = to_floats(file.tensors.at(name), name, "");
  return std::all_of(values.begin(), values.end(), [](float value) { return value == 0.0F; });
}

}  // namespace

std::vector<std::string> mismatches(const TensorFile& file, const ModelGraph& graph) {
  std::vector<std::string> found;
  std::set<std::string> wanted;
  for (const auto& [name, shape] : buffer_shapes(graph)) {
    const std::string foreign = foreign_name(graph, name);
    wanted.insert(foreign);
    const auto tensor = file.tensors.find(foreign);
    if (tensor == file.tensors.end())
      found.push_back(fmt::format("no tensor '{}'", foreign));
    else if (!same_shape(shape, tensor->second.shape))
      found.push_back(fmt::format("tensor '{}': expected shape {}, got {}", foreign, fmt::join(shape, "x"),
                                  fmt::join(tensor->second.shape, "x")));
  }
  for (const auto& [name, tensor] : file.tensors)
    if (!wanted.contains(name) && !is_zero_bias(file, name, graph))
      found.push_back(fmt::format("surplus tensor '{}'", name));
  return found;
}

Model model_from_tensors(const TensorFile& file, const ModelGraph& graph, const std::string& origin) {
  const std::vector<std::string> wrong = mismatches(file, graph);
  if (!wrong.empty())
    fail("{}: not the network {}: {} tensors do not fit: {}", origin, graph.name(), wrong.size(),
         join({wrong.begin(), wrong.begin() + std::min<std::ptrdiff_t>(3, std::ssize(wrong))}, "; "));
  Model model;
  model.graph = graph;
  for (const auto& [name, shape] : buffer_shapes(graph)) {
    const std::string foreign = foreign_name(graph, name);
    model.buffers[name] = {shape, to_floats(file.tensors.at(foreign), foreign, origin)};
  }
  for (const LayerSpec& layer : graph.layers()) {
    if (!layer.is_masked) continue;
    const Buffer& weights = model.buffer(layer.name + ".weight");
    SparsityMask mask{weights.shape, std::vector<uint8_t>(weights.values.size())};
    for (size_t i = 0; i < mask.kept.size(); ++i) mask.kept[i] = weights.values[i] != 0.0F ? 1 : 0;
    model.masks[layer.name] = std::move(mask);
  }
  try {
    check_model(model);
  } catch (const Error& error) {
    fail("{}: {}", origin, error.what());
  }
  return model;
}

}  // namespace carat
