// SPDX-License-Identifier: Apache-2.0
#include "base/fail.h"
#include "models/onnx/layer_writer.h"

namespace carat {

std::string ordered_convolution(const OnnxLayer& layer, const std::string& name) {
  constexpr int64_t kMostTaps = 147;  // a 7x7 kernel over three channels
  const LayerSpec& spec = layer.spec;
  const std::vector<float>& weights = layer.model.buffer(spec.name + ".weight").values;
  const int64_t taps = layer.in().channels * spec.kernel * spec.kernel;
  require(spec.groups == 1 && taps <= kMostTaps,
          "layer {}: sums of {} products of real numbers that decide codes, and ONNX fixes no order of sums (at most "
          "{} are "
          "written one by one): export with --float",
          spec.name, taps / spec.groups, kMostTaps);
  const std::string padded = zero_padded(layer);
  std::string sum;
  for (int64_t tap = 0; tap < taps; ++tap) {
    const int64_t channel = tap / (spec.kernel * spec.kernel);
    const std::string prefix = layer.part("tap" + std::to_string(tap));
    const std::string x =
        tap_pixels(layer, padded, {prefix, channel, channel + 1, tap / spec.kernel % spec.kernel, tap % spec.kernel});
    std::vector<float> column;
    for (int64_t k = 0; k < spec.out_channels; ++k) column.push_back(weights[static_cast<size_t>(k * taps + tap)]);
    const std::string w = layer.graph.floats(prefix + "/weight", {1, spec.out_channels, 1, 1}, column);
    const bool is_last = tap + 1 == taps;
    const std::string product = layer.graph.node("Mul", {x, w}, is_last && tap == 0 ? name : prefix + "/product");
    sum = tap == 0 ? product : layer.graph.node("Add", {sum, product}, is_last ? name : prefix + "/sum");
  }
  return sum;
}

}  // namespace carat
