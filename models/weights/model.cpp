// SPDX-License-Identifier: Apache-2.0
#include "models/weights/model.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/fail.h"
#include "base/random.h"
#include "models/graph/codes.h"
#include "models/graph/storage.h"

namespace carat {
namespace {

int64_t product(const std::vector<int64_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

void check_mask(const Model& model, const LayerSpec& layer, const Buffer& weights) {
  const auto found = model.masks.find(layer.name);
  require(found != model.masks.end(), "layer {}: masked, but there is no mask", layer.name);
  const SparsityMask& mask = found->second;
  require(mask.shape == weights.shape && mask.kept.size() == weights.values.size(),
          "layer {}: the mask has another shape than the weights", layer.name);
  for (size_t i = 0; i < mask.kept.size(); ++i)
    require(mask.kept[i] == 1 || (mask.kept[i] == 0 && weights.values[i] == 0.0F),
            "layer {}: weight {} is masked but is {}", layer.name, i, weights.values[i]);
  if (!layer.block) return;
  const auto count = static_cast<int64_t>(mask.kept.size());
  const BlockCounts blocks = block_counts(layer, count);
  std::vector<int> of_block(static_cast<size_t>(blocks.rows * blocks.columns), -1);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t block = block_of(layer, count, i);
    int& kept = of_block[static_cast<size_t>(block)];
    if (kept < 0) kept = mask.kept[static_cast<size_t>(i)];
    require(kept == mask.kept[static_cast<size_t>(i)], "layer {}: block {} of the mask is kept in part", layer.name,
            block);
  }
}

bool is_code_in(float value, int64_t lowest, int64_t highest) {
  return value == std::nearbyint(value) && value >= static_cast<float>(lowest) && value <= static_cast<float>(highest);
}

void check_codebook(const Model& model, const LayerSpec& layer) {
  const std::vector<float>& book = model.buffer(layer.name + ".codebook").values;
  for (size_t i = 0; i < book.size(); ++i)
    require(is_code_in(book[i], layer.quant->lowest_code(), layer.quant->highest_code()) && book[i] != 0.0F &&
                (i == 0 || book[i - 1] < book[i]),
            "layer {}: entry {} of its codebook is {}: expected ascending {}-bit codes other than 0", layer.name, i,
            book[i], layer.quant->bits());
}

// Codes that an encoding without zero, or with few values, can hold.
void check_encoding(const Model& model, const LayerSpec& layer, int64_t weight, float code) {
  if (layer.quant->encoding() != Encoding::codebook || code == 0.0F) return;
  const std::vector<float>& book = model.buffer(layer.name + ".codebook").values;
  require(std::binary_search(book.begin(), book.end(), code),
          "layer {}: weight {} has code {}, which is not in its "
          "codebook",
          layer.name, weight, code);
}

// Integers of the declared widths.
void check_integers(const Model& model, const LayerSpec& layer) {
  const auto check = [&](const char* part, int64_t bits) {
    const std::vector<float>& values = model.buffer(layer.name + part).values;
    const int64_t limit = int64_t{1} << (bits - 1);
    for (size_t i = 0; i < values.size(); ++i)
      require(is_code_in(values[i], -limit, limit - 1),
              "layer {}: value {} of {} is {}: expected an integer of {} bits", layer.name, i, part, values[i], bits);
  };
  check(".scale", layer.integer->multiplier_bits);
  if (layer.has_bias) check(".bias", layer.integer->bias_bits);
}

void check_table(const Model& model, const LayerSpec& layer) {
  const std::vector<float>& table = model.buffer(layer.name + ".table").values;
  for (size_t i = 0; i < table.size(); ++i)
    require(is_code_in(table[i], layer.quant->lowest_code(), layer.quant->highest_code()),
            "layer {}: entry {} of its table is {}: expected a code of {} bits", layer.name, i, table[i],
            layer.quant->bits());
}

void check_grid(const Model& model, const LayerSpec& layer, const Buffer& weights) {
  const std::vector<float> unit = {1.0F};
  const std::vector<float>& scales = layer.has_unit_scale ? unit : model.buffer(layer.name + ".weight_scale").values;
  const size_t size = weights.values.size() / scales.size();
  for (size_t i = 0; i < weights.values.size(); ++i) {
    const float scale = scales[i / size];
    require(scale > 0.0F, "layer {}: scale {} is {}", layer.name, i / size, scale);
    const float code = std::nearbyint(weights.values[i] / scale);
    require(weights.values[i] == scale * code && code >= static_cast<float>(layer.quant->lowest_code()) &&
                code <= static_cast<float>(layer.quant->highest_code()),
            "layer {}: weight {} = {} is not on its {}-bit grid of scale {}", layer.name, i, weights.values[i],
            layer.quant->bits(), scale);
    check_encoding(model, layer, static_cast<int64_t>(i), code);
  }
}

}  // namespace

const Buffer& Model::buffer(const std::string& name) const {
  const auto found = buffers.find(name);
  require(found != buffers.end(), "model {}: no buffer '{}'", graph.name(), name);
  return found->second;
}

Buffer& Model::buffer(const std::string& name) {
  return const_cast<Buffer&>(static_cast<const Model&>(*this).buffer(name));
}

std::map<std::string, std::vector<int64_t>> buffer_shapes(const ModelGraph& graph) {
  std::map<std::string, std::vector<int64_t>> shapes;
  for (const LayerSpec& layer : graph.layers()) {
    const std::vector<int64_t> per_channel = {graph.shape_of(layer.name).channels};
    const std::string& name = layer.name;
    if (has_weights(layer)) {
      shapes[name + ".weight"] = graph.weight_shape(layer);
      if (layer.has_bias) shapes[name + ".bias"] = per_channel;
      const bool per_kernel = layer.quant && layer.quant->granularity() == Granularity::kernel;
      if (layer.quant && !layer.has_unit_scale)
        shapes[name + ".weight_scale"] = per_kernel ? per_channel : std::vector<int64_t>{1};
      if (layer.quant && layer.quant->encoding() == Encoding::codebook)
        shapes[name + ".codebook"] = {int64_t{1} << layer.quant->index_bits()};
    } else if (layer.op == OpKind::batch_norm) {
      for (const char* part : {".weight", ".bias", ".running_mean", ".running_var"}) shapes[name + part] = per_channel;
    } else if (layer.op == OpKind::activation_quant && !layer.has_unit_scale) {
      shapes[name + ".scale"] = {1};
      if (layer.quant->is_shifted()) shapes[name + ".zero_point"] = {1};
    } else if (layer.op == OpKind::scale) {
      shapes[name + ".scale"] = per_channel;
      if (layer.has_bias) shapes[name + ".bias"] = per_channel;
    } else if (layer.op == OpKind::table) {
      const QuantSpec codes = codes_of(graph, layer.inputs.front()).value();
      shapes[name + ".table"] = {codes.highest_code() - codes.lowest_code() + 1};
    }
  }
  return shapes;
}

Model initialize(const ModelGraph& graph, int64_t seed) {
  Model model;
  model.graph = graph;
  for (const auto& [name, shape] : buffer_shapes(graph)) {
    const std::string suffix = name.substr(name.rfind('.'));
    const LayerSpec& layer = graph.layer(name.substr(0, name.rfind('.')));
    const auto count = static_cast<size_t>(product(shape));
    const bool is_one = suffix == ".running_var" || suffix == ".weight_scale" || suffix == ".scale" ||
                        (suffix == ".weight" && !has_weights(layer));
    Buffer buffer{shape, std::vector<float>(count, is_one ? 1.0F : 0.0F)};
    if (suffix == ".weight" && has_weights(layer)) {
      const int64_t fan = layer.op == OpKind::linear ? shape[1] : shape[0] * shape[2] * shape[3] / layer.groups;
      const double deviation = std::sqrt((layer.op == OpKind::linear ? 1.0 : 2.0) / static_cast<double>(fan));
      Random random({seed, "initialize", name, 0});
      for (float& value : buffer.values) value = static_cast<float>(deviation * random.normal());
    }
    if (suffix == ".codebook")
      for (int64_t i = 0, half = shape[0] / 2; i < shape[0]; ++i)
        buffer.values[static_cast<size_t>(i)] = static_cast<float>(i - half + (i >= half ? 1 : 0));
    model.buffers[name] = std::move(buffer);
  }
  for (const LayerSpec& layer : graph.layers())
    if (layer.is_masked)
      model.masks[layer.name] = {graph.weight_shape(layer),
                                 std::vector<uint8_t>(static_cast<size_t>(graph.weight_count(layer)), 1)};
  return model;
}

void check_model(const Model& model) {
  for (const auto& [name, shape] : buffer_shapes(model.graph)) {
    const Buffer& buffer = model.buffer(name);
    require(buffer.shape == shape && static_cast<int64_t>(buffer.values.size()) == product(shape),
            "buffer {}: expected shape {}, got {}", name, fmt::join(shape, "x"), fmt::join(buffer.shape, "x"));
    for (size_t i = 0; i < buffer.values.size(); ++i)
      require(std::isfinite(buffer.values[i]), "buffer {}: value {} is {}", name, i, buffer.values[i]);
  }
  for (const LayerSpec& layer : model.graph.layers()) {
    if (layer.integer) check_integers(model, layer);
    if (layer.op == OpKind::table) check_table(model, layer);
    if (!has_weights(layer)) continue;
    if (layer.quant && layer.quant->encoding() == Encoding::codebook) check_codebook(model, layer);
    const Buffer& weights = model.buffer(layer.name + ".weight");
    if (layer.is_masked) check_mask(model, layer, weights);
    if (layer.quant) check_grid(model, layer, weights);
    if (const auto found = model.buffers.find(layer.name + ".unrounded"); found != model.buffers.end())
      require(found->second.shape == weights.shape && found->second.values.size() == weights.values.size(),
              "buffer {}.unrounded: expected shape {}, got {}", layer.name, fmt::join(weights.shape, "x"),
              fmt::join(found->second.shape, "x"));
  }
}

std::map<std::string, std::vector<int64_t>> nonzeros_per_kernel(const Model& model) {
  std::map<std::string, std::vector<int64_t>> counts;
  for (const std::string& name : model.graph.weight_layers()) {
    const Buffer& weights = model.buffer(name + ".weight");
    const auto kernels = static_cast<size_t>(weights.shape[0]);
    const size_t size = weights.values.size() / kernels;
    std::vector<int64_t>& nonzeros = counts[name];
    nonzeros.assign(kernels, 0);
    const SparsityMask* blocks = model.graph.layer(name).block ? &model.masks.at(name) : nullptr;
    for (size_t i = 0; i < weights.values.size(); ++i)
      if (blocks != nullptr ? blocks->kept[i] != 0 : weights.values[i] != 0.0F) ++nonzeros[i / size];
  }
  return counts;
}

double sparsity(const Model& model) {
  int64_t weights = 0;
  int64_t nonzeros = 0;
  for (const auto& [name, kernels] : nonzeros_per_kernel(model)) {
    weights += model.graph.weight_count(model.graph.layer(name));
    nonzeros += std::accumulate(kernels.begin(), kernels.end(), int64_t{0});
  }
  return weights == 0 ? 0.0 : 1.0 - static_cast<double>(nonzeros) / static_cast<double>(weights);
}

}  // namespace carat
