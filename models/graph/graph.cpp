// SPDX-License-Identifier: Apache-2.0
#include "models/graph/graph.h"

#include <algorithm>
#include <set>

#include "base/fail.h"
#include "base/text.h"
#include "models/graph/codes.h"

namespace carat {
namespace {

void check_quant(const LayerSpec& layer) {
  if (layer.op == OpKind::activation_quant || layer.op == OpKind::table) {
    require(layer.quant.has_value(), "layer {}: {} needs bits", layer.name,
            layer.op == OpKind::table ? "a table" : "an activation quantizer");
    require(layer.quant->granularity() == Granularity::tensor, "layer {}: activations have one scale per tensor",
            layer.name);
    require(layer.quant->encoding() == Encoding::plain, "layer {}: activations have plain codes, not {}", layer.name,
            name_of(layer.quant->encoding()));
    return;
  }
  require(has_weights(layer) || (!layer.quant && !layer.is_masked), "layer {}: a {} has no weights to compress",
          layer.name, name_of(layer.op));
  require(!has_weights(layer) || !layer.quant || layer.quant->is_signed(), "layer {}: quantized weights are signed",
          layer.name);
  require(!layer.has_unit_scale || layer.quant, "layer {}: a unit scale needs quantization", layer.name);
}

void check_block(const LayerSpec& layer) {
  if (!layer.block) return;
  require(layer.is_masked, "layer {}: a block of the mask needs a mask", layer.name);
  constexpr int64_t kLargest = 1024;
  require(layer.block->kernels >= 1 && layer.block->weights >= 1 && layer.block->kernels <= kLargest &&
              layer.block->weights <= kLargest && layer.block->kernels * layer.block->weights <= kLargest,
          "layer {}: expected blocks of 1 to {} weights, got {}x{}", layer.name, kLargest, layer.block->kernels,
          layer.block->weights);
  require(!layer.quant || layer.quant->encoding() == Encoding::plain || layer.quant->encoding() == Encoding::ternary,
          "layer {}: kept blocks hold zeros, which {} weights cannot", layer.name, name_of(layer.quant->encoding()));
}

// Integers beyond 24 bits are not exact in the float32 buffers that hold them.
void check_integer_scale(const ModelGraph& graph, const LayerSpec& layer) {
  require(layer.integer.has_value() == (layer.op == OpKind::scale && layer.arithmetic == Arithmetic::integer),
          "layer {}: widths of a multiplier belong to a Scale layer in integer arithmetic, and to no other",
          layer.name);
  if (!layer.integer) return;
  const IntegerScale& widths = *layer.integer;
  constexpr int64_t kWidest = 24;
  require(widths.multiplier_bits >= 2 && widths.multiplier_bits <= kWidest && widths.bias_bits >= 2 &&
              widths.bias_bits <= kWidest && widths.shift >= 0 && widths.shift <= 31,
          "layer {}: expected a multiplier and a bias of 2 to {} bits and a shift of 0 to 31, got {}, {} and {}",
          layer.name, kWidest, widths.multiplier_bits, widths.bias_bits, widths.shift);
  require(holds_integers(graph, layer.inputs.front()),
          "layer {}: integer arithmetic needs integers, but '{}' gives real numbers", layer.name, layer.inputs.front());
}

void check_table(const ModelGraph& graph, const LayerSpec& layer) {
  if (layer.op != OpKind::table) return;
  require(layer.has_unit_scale, "layer {}: a table gives codes", layer.name);
  const std::optional<QuantSpec> codes = codes_of(graph, layer.inputs.front());
  require(codes.has_value() && holds_integers(graph, layer.inputs.front()),
          "layer {}: a table needs the codes of a quantizer, but '{}' gives none", layer.name, layer.inputs.front());
}

// A border is one of the codes it surrounds: what reads them, a table too, relies on their range.
void check_pad(const ModelGraph& graph, const LayerSpec& layer) {
  if (layer.op != OpKind::pad) return;
  const std::optional<QuantSpec> codes = codes_of(graph, layer.inputs.front());
  require(!codes || (layer.fill >= codes->lowest_code() && layer.fill <= codes->highest_code()),
          "layer {}: expected a border among the codes {} to {} of '{}', got {}", layer.name,
          codes ? codes->lowest_code() : 0, codes ? codes->highest_code() : 0, layer.inputs.front(), layer.fill);
}

}  // namespace

ModelGraph::ModelGraph(std::string name, std::vector<LayerSpec> layers)
    : name_(std::move(name)), layers_(std::move(layers)) {
  require(!layers_.empty(), "network {}: no layers", name_);
  require(layers_.front().op == OpKind::input, "network {}: the first layer must be the input", name_);
  std::set<std::string> known;
  for (const LayerSpec& layer : layers_) {
    require(!layer.name.empty(), "network {}: a {} layer has no name", name_, name_of(layer.op));
    require(layer.op != OpKind::input || known.empty(), "layer {}: a second input", layer.name);
    const OpInfo& info = info_of(layer.op);
    const auto inputs = static_cast<int64_t>(layer.inputs.size());
    require(inputs >= info.min_inputs && inputs <= info.max_inputs, "layer {}: {} takes {} to {} inputs, got {}",
            layer.name, info.name, info.min_inputs, info.max_inputs, inputs);
    std::vector<Shape> input_shapes;
    for (const std::string& from : layer.inputs) {
      require(known.contains(from), "layer {}: input '{}' is not an earlier layer", layer.name, from);
      input_shapes.push_back(shapes_[static_cast<size_t>(index_of(from))]);
    }
    require(known.insert(layer.name).second, "layer {}: the name is used twice", layer.name);
    check_quant(layer);
    check_block(layer);
    shapes_.push_back(infer_shape(layer, input_shapes));
  }
  for (size_t i = 0; i + 1 < layers_.size(); ++i)
    require(!consumers(layers_[i].name).empty(), "layer {}: its result is not used", layers_[i].name);
  for (const LayerSpec& layer : layers_) {
    check_integer_scale(*this, layer);
    check_table(*this, layer);
    check_pad(*this, layer);
  }
}

bool ModelGraph::has(std::string_view layer) const {
  return std::any_of(layers_.begin(), layers_.end(), [&](const LayerSpec& l) { return l.name == layer; });
}

int64_t ModelGraph::index_of(std::string_view layer) const {
  for (size_t i = 0; i < layers_.size(); ++i)
    if (layers_[i].name == layer) return static_cast<int64_t>(i);
  std::vector<std::string> names;
  for (const LayerSpec& known : layers_) names.push_back(known.name);
  const std::string nearest = nearest_name(layer, names);
  fail("network {}: no layer '{}'{}", name_, layer, nearest.empty() ? "" : ", did you mean '" + nearest + "'?");
}

std::vector<std::string> ModelGraph::consumers(std::string_view layer) const {
  std::vector<std::string> found;
  for (const LayerSpec& candidate : layers_)
    if (std::find(candidate.inputs.begin(), candidate.inputs.end(), layer) != candidate.inputs.end())
      found.push_back(candidate.name);
  return found;
}

std::vector<std::string> ModelGraph::weight_layers() const {
  std::vector<std::string> names;
  for (const LayerSpec& layer : layers_)
    if (has_weights(layer)) names.push_back(layer.name);
  return names;
}

std::vector<int64_t> ModelGraph::weight_shape(const LayerSpec& layer) const {
  const Shape& in = input_shape(layer);
  if (layer.op == OpKind::linear) return {layer.out_channels, in.elements(), 1, 1};
  return {layer.out_channels, in.channels / layer.groups, layer.kernel, layer.kernel};
}

int64_t ModelGraph::weight_count(const LayerSpec& layer) const {
  int64_t count = 1;
  for (const int64_t extent : weight_shape(layer)) count *= extent;
  return count;
}

std::vector<std::string> match_layers(std::string_view pattern, const std::vector<std::string>& candidates) {
  std::vector<std::string> found;
  for (const std::string& name : candidates)
    if (matches_pattern(pattern, name)) found.push_back(name);
  return found;
}

}  // namespace carat
