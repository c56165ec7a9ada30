// SPDX-License-Identifier: Apache-2.0
#include "models/weights/declare_arithmetic.h"

#include <algorithm>
#include <cmath>

#include "base/fail.h"
#include "base/half.h"
#include "models/graph/codes.h"

namespace carat {
namespace {

std::vector<std::string> numbers_of(const LayerSpec& scale) {
  std::vector<std::string> names = {scale.name + ".scale"};
  if (scale.has_bias) names.push_back(scale.name + ".bias");
  return names;
}

void round_values(Buffer& buffer, const std::string& name) {
  for (size_t i = 0; i < buffer.values.size(); ++i) {
    const float half = round_to_half(buffer.values[i]);
    require(std::isfinite(half), "buffer {}: value {}: expected a number that fp16 can hold, got {}", name, i,
            buffer.values[i]);
    buffer.values[i] = half;
  }
}

bool is_half(const Buffer& buffer) {
  return std::all_of(buffer.values.begin(), buffer.values.end(),
                     [](float value) { return round_to_half(value) == value; });
}

QuantSpec rounded(const QuantSpec& quant, Rounding rounding) {
  if (!quant.is_signed()) return QuantSpec::unsigned_tensor(quant.bits(), rounding);
  return quant.is_full_range() ? QuantSpec::full_range(quant.bits(), quant.granularity(), rounding)
                               : QuantSpec::symmetric(quant.bits(), quant.granularity(), rounding);
}

}  // namespace

Model with_scale_arithmetic(const Model& model, Arithmetic arithmetic) {
  require(arithmetic != Arithmetic::integer,
          "integer multipliers are fitted, not declared: expected float32, fp16 or fp16_strict");
  Model changed = model;
  std::vector<LayerSpec> layers = model.graph.layers();
  for (LayerSpec& layer : layers) {
    if (layer.op == OpKind::input && input_is_normalized(model.graph))
      layer.arithmetic = arithmetic == Arithmetic::float32 ? Arithmetic::float32 : Arithmetic::fp16;
    if (layer.op != OpKind::scale || layer.integer) continue;
    layer.arithmetic = arithmetic;
    if (arithmetic == Arithmetic::float32) continue;
    for (const std::string& name : numbers_of(layer)) round_values(changed.buffer(name), name);
  }
  changed.graph = ModelGraph(model.graph.name(), std::move(layers));
  return changed;
}

Model with_activation_rounding(const Model& model, Rounding rounding) {
  Model changed = model;
  std::vector<LayerSpec> layers = model.graph.layers();
  for (LayerSpec& layer : layers)
    if (layer.op == OpKind::activation_quant) layer.quant = rounded(*layer.quant, rounding);
  changed.graph = ModelGraph(model.graph.name(), std::move(layers));
  return changed;
}

Model with_needed_arithmetic(const Model& model) {
  Model changed = model;
  std::vector<LayerSpec> layers = model.graph.layers();
  for (LayerSpec& layer : layers) {
    if (layer.op != OpKind::scale || layer.integer || layer.arithmetic == Arithmetic::float32) continue;
    const std::vector<std::string> names = numbers_of(layer);
    if (std::all_of(names.begin(), names.end(), [&](const std::string& n) { return is_half(model.buffer(n)); }))
      continue;
    layer.arithmetic = Arithmetic::float32;
    layers.front().arithmetic = Arithmetic::float32;
  }
  changed.graph = ModelGraph(model.graph.name(), std::move(layers));
  return changed;
}

}  // namespace carat
