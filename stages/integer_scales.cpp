// SPDX-License-Identifier: Apache-2.0
#include "stages/integer_scales.h"

#include <algorithm>
#include <cmath>

#include "base/fail.h"
#include "models/graph/codes.h"

namespace carat {
namespace {

constexpr int64_t kWidestShift = 31;

bool can_be_integer(const ModelGraph& graph, const LayerSpec& layer) {
  if (layer.op != OpKind::scale || layer.integer || !holds_integers(graph, layer.inputs.front())) return false;
  const auto readers = graph.consumers(layer.name);
  return !readers.empty() && std::all_of(readers.begin(), readers.end(), [&](const std::string& name) {
    const LayerSpec& reader = graph.layer(name);
    return reader.op == OpKind::activation_quant && reader.has_unit_scale;
  });
}

bool fit(const std::vector<double>& values, int64_t shift, int64_t bits) {
  const double highest = std::ldexp(1.0, static_cast<int>(bits - 1)) - 1.0;
  return std::all_of(values.begin(), values.end(), [&](double value) {
    return std::abs(std::round(std::ldexp(value, static_cast<int>(shift)))) <= highest;
  });
}

Buffer shifted(const std::vector<double>& values, int64_t shift) {
  Buffer buffer{{static_cast<int64_t>(values.size())}, {}};
  for (const double value : values)
    buffer.values.push_back(static_cast<float>(std::round(std::ldexp(value, static_cast<int>(shift)))) + 0.0F);
  return buffer;
}

void make_integer(Model& model, LayerSpec& layer, const IntegerWidths& widths) {
  Buffer& scale = model.buffer(layer.name + ".scale");
  const std::vector<double> k(scale.values.begin(), scale.values.end());
  std::vector<double> b(k.size(), 0.5);
  if (layer.has_bias)
    for (size_t c = 0; c < b.size(); ++c) b[c] += model.buffer(layer.name + ".bias").values[c];
  int64_t shift = kWidestShift;
  while (shift > 0 && !(fit(k, shift, widths.multiplier_bits) && fit(b, shift, widths.bias_bits))) --shift;
  const Buffer multipliers = shifted(k, shift);
  const bool fits = fit(k, shift, widths.multiplier_bits) && fit(b, shift, widths.bias_bits);
  const bool has_factors = std::any_of(k.begin(), k.end(), [](double factor) { return factor != 0.0; });
  const bool has_multipliers =
      std::any_of(multipliers.values.begin(), multipliers.values.end(), [](float m) { return m != 0.0F; });
  require(fits && (has_multipliers || !has_factors),
          "fuse: layer {}: {} bits for multipliers and {} for biases cannot hold its Scale layer: expected more",
          layer.name, widths.multiplier_bits, widths.bias_bits);
  scale = multipliers;
  model.buffers[layer.name + ".bias"] = shifted(b, shift);
  layer.has_bias = true;
  layer.arithmetic = Arithmetic::integer;
  layer.integer = IntegerScale{widths.multiplier_bits, widths.bias_bits, shift};
}

}  // namespace

Model with_integer_scales(const Model& fused, const IntegerWidths& widths) {
  Model model = fused;
  std::vector<LayerSpec> layers = fused.graph.layers();
  for (LayerSpec& layer : layers)
    if (can_be_integer(fused.graph, layer)) make_integer(model, layer, widths);
  model.graph = ModelGraph(fused.graph.name(), std::move(layers));
  return model;
}

ModelGraph with_integer_scales(const ModelGraph& fused, const IntegerWidths& widths) {
  std::vector<LayerSpec> layers = fused.layers();
  for (LayerSpec& layer : layers) {
    if (!can_be_integer(fused, layer)) continue;
    layer.has_bias = true;
    layer.arithmetic = Arithmetic::integer;
    layer.integer = IntegerScale{widths.multiplier_bits, widths.bias_bits, 0};
  }
  return ModelGraph(fused.name(), std::move(layers));
}

}  // namespace carat
