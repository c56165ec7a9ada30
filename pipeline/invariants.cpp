// SPDX-License-Identifier: Apache-2.0
#include "pipeline/invariants.h"

#include "base/fail.h"

namespace carat {

void check_invariants(const std::string& stage, const Model& before, const Model& after, AllowedChanges allowed) {
  try {
    check_model(after);
  } catch (const Error& error) {
    fail("{}: {}", stage, error.what());
  }
  for (const LayerSpec& old_layer : before.graph.layers()) {
    if (!has_weights(old_layer)) continue;
    const std::string& name = old_layer.name;
    if (allowed.structure &&
        (!after.graph.has(name) || after.buffer(name + ".weight").shape != before.buffer(name + ".weight").shape))
      continue;
    require(after.graph.has(name), "{}: layer {} is gone", stage, name);
    const LayerSpec& layer = after.graph.layer(name);
    require(!old_layer.is_masked || layer.is_masked, "{}: layer {} lost its mask", stage, name);
    require(!old_layer.quant || layer.quant == old_layer.quant || allowed.scales, "{}: layer {} lost its quantization",
            stage, name);
    if (old_layer.is_masked) {
      const std::vector<uint8_t>& old_mask = before.masks.at(name).kept;
      const std::vector<uint8_t>& mask = after.masks.at(name).kept;
      for (size_t i = 0; i < old_mask.size(); ++i)
        require(mask[i] <= old_mask[i], "{}: layer {}: pruned weight {} came back", stage, name, i);
    }
    if (old_layer.quant && layer.quant && !layer.has_unit_scale && !allowed.scales)
      require(before.buffer(name + ".weight_scale") == after.buffer(name + ".weight_scale"),
              "{}: layer {}: a fixed scale changed", stage, name);
  }
}

}  // namespace carat
