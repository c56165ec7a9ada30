// SPDX-License-Identifier: Apache-2.0
#include "stages/fuse_tables.h"

#include <algorithm>

#include "kernels/float_ops.h"
#include "kernels/quantize.h"
#include "models/packed/window_of.h"
#include "stages/quantizer_insertion.h"

namespace carat {
namespace {

struct Grid {
  float scale = 1.0F;
  float zero_point = 0.0F;
};

Grid grid_of(const Model& model, const LayerSpec& quantizer) {
  Grid grid;
  if (!quantizer.has_unit_scale) grid.scale = model.buffer(quantizer.name + ".scale").values[0];
  if (quantizer.quant->is_shifted()) grid.zero_point = model.buffer(quantizer.name + ".zero_point").values[0];
  return grid;
}

QuantSpec stored_codes(const QuantSpec& quant) {
  return quant.is_shifted() ? QuantSpec::unsigned_tensor(quant.bits(), quant.rounding()) : quant;
}

std::vector<float> entries(const Model& model, const LayerSpec& before, OpKind function, const LayerSpec& after) {
  const Grid in = grid_of(model, before);
  const Grid out = grid_of(model, after);
  const QuantSpec codes = stored_codes(*before.quant);
  const QuantSpec results = stored_codes(*after.quant);
  std::vector<float> values;
  for (int64_t code = codes.lowest_code(); code <= codes.highest_code(); ++code)
    values.push_back((static_cast<float>(code) - in.zero_point) * in.scale);
  const auto n = static_cast<int64_t>(values.size());
  apply_unary(unary_of(function), values.data(), n, values.data());
  const float inverse = 1.0F / out.scale;
  for (float& value : values) value = value * inverse + out.zero_point;
  quantize_codes(values.data(), n,
                 {static_cast<float>(results.lowest_code()), static_cast<float>(results.highest_code()),
                  results.rounding() == Rounding::half_away},
                 values.data());
  return values;
}

bool is_quantizer(const LayerSpec& layer) { return layer.op == OpKind::activation_quant; }

bool becomes_table(const ModelGraph& graph, const LayerSpec& layer) {
  if (!can_be_table(layer.op) || !is_quantizer(graph.layer(layer.inputs.front()))) return false;
  const auto readers = graph.consumers(layer.name);
  return graph.consumers(layer.inputs.front()).size() == 1 && !readers.empty() &&
         std::all_of(readers.begin(), readers.end(),
                     [&](const std::string& reader) { return is_quantizer(graph.layer(reader)); });
}

}  // namespace

std::vector<LayerSpec> make_tables(const Model& model, std::map<std::string, Buffer>& buffers) {
  std::vector<LayerSpec> layers;
  for (LayerSpec layer : model.graph.layers()) {
    if (becomes_table(model.graph, layer)) continue;
    const bool reads_function = is_quantizer(layer) && becomes_table(model.graph, model.graph.layer(layer.inputs[0]));
    if (reads_function) {
      const LayerSpec& function = model.graph.layer(layer.inputs.front());
      const LayerSpec& before = model.graph.layer(function.inputs.front());
      std::vector<float> table = entries(model, before, function.op, layer);
      buffers[layer.name + ".table"] = {{static_cast<int64_t>(table.size())}, std::move(table)};
      layer.op = OpKind::table;
      layer.inputs = {before.name};
      layer.has_unit_scale = true;
      layer.quant = stored_codes(*layer.quant);
    }
    layers.push_back(std::move(layer));
  }
  return layers;
}

}  // namespace carat
