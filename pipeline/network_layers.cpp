// SPDX-License-Identifier: Apache-2.0
#include "pipeline/network_layers.h"

#include <torch/torch.h>

#include <cmath>
#include <memory>

#include "models/net/network.h"

namespace carat {
namespace {

// Scale of the codes of a quantizer that is not fused; 1 where values are compared as they are.
float code_scale(const Model& model, const LayerSpec& layer) {
  if (layer.op != OpKind::activation_quant || layer.has_unit_scale) return 1.0F;
  return model.buffer(layer.name + ".scale").values[0];
}

}  // namespace

LayerSource network_layers(const Model& model, const PackedModel& packed) {
  const bool same = model.graph.layers() == packed.graph.layers();
  std::vector<std::string> wanted;
  for (const LayerSpec& layer : packed.graph.layers()) {
    const bool is_code = layer.op == OpKind::activation_quant || layer.op == OpKind::table;
    if (layer.op != OpKind::input && model.graph.has(layer.name) && (same || is_code)) wanted.push_back(layer.name);
  }
  const auto network = std::make_shared<Network>(model, at::kCPU);
  return [network, wanted, &model](const uint8_t* image) {
    const torch::NoGradGuard no_grad;
    const Shape& shape = model.graph.input().input_shape;
    const at::Tensor pixels =
        torch::from_blob(const_cast<uint8_t*>(image), {1, shape.channels, shape.height, shape.width}, torch::kUInt8);
    std::map<std::string, at::Tensor> results;
    network->forward(pixels, Mode::exact, wanted, results);
    LayerValues values;
    for (const auto& [name, tensor] : results) {
      std::vector<float>& out = values[name] = to_buffer(tensor).values;
      const float scale = code_scale(model, model.graph.layer(name));
      if (scale == 1.0F) continue;
      for (float& value : out) value = std::nearbyint(value / scale) + 0.0F;
    }
    return values;
  };
}

}  // namespace carat
