// SPDX-License-Identifier: Apache-2.0
// Small networks in LibTorch: weights on their grids, random images, logits.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"
#include "models/net/network.h"
#include "stages/scale_fit.h"

namespace carat {

// Scales of a quantized layer by fit_scale, and its weights as codes times scale.
inline void put_on_grid(Model& model, const LayerSpec& layer) {
  Buffer& weights = model.buffer(layer.name + ".weight");
  std::vector<float>& scales = model.buffer(layer.name + ".weight_scale").values;
  const size_t size = weights.values.size() / scales.size();
  for (size_t k = 0; k < scales.size(); ++k) {
    const std::span<float> kernel(weights.values.data() + k * size, size);
    scales[k] = static_cast<float>(fit_scale(kernel, *layer.quant).scale);
    for (float& w : kernel) w = scales[k] * static_cast<float>(code_of(w, 1.0F / scales[k], *layer.quant));
  }
}

inline std::vector<uint8_t> random_images(int64_t count, int64_t bytes) {
  Random random({4, "test", "images", 0});
  std::vector<uint8_t> images(static_cast<size_t>(count * bytes));
  for (uint8_t& pixel : images) pixel = static_cast<uint8_t>(random.below(256));
  return images;
}

inline at::Tensor forward(const Model& model, const std::vector<uint8_t>& images, int64_t count, Mode mode) {
  const torch::NoGradGuard no_grad;
  Network network(model, at::kCPU);
  const Shape& s = model.graph.input().input_shape;
  return network.forward(
      torch::from_blob(const_cast<uint8_t*>(images.data()), {count, s.channels, s.height, s.width}, torch::kUInt8),
      mode);
}

}  // namespace carat
