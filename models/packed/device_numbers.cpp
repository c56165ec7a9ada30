// SPDX-License-Identifier: Apache-2.0
#include "models/packed/device_numbers.h"

#include <algorithm>

#include "base/fail.h"
#include "kernels/pack_codes.h"

namespace carat {
namespace {

constexpr size_t kAlignment = 128;

}  // namespace

DeviceNumbers::DeviceNumbers(const Model& model) : model_(model) {
  for (const LayerSpec& layer : model.graph.layers()) {
    for (const char* part : {".scale", ".bias", ".table"})
      if (const auto found = model.buffers.find(layer.name + part); found != model.buffers.end())
        add_floats(found->first, found->second.values);
    if (layer.op != OpKind::scale) continue;
    std::vector<float> pairs;
    const std::vector<float>& k = model.buffer(layer.name + ".scale").values;
    for (size_t i = 0; i < k.size(); ++i) {
      pairs.push_back(k[i]);
      pairs.push_back(layer.has_bias ? model.buffer(layer.name + ".bias").values[i] : 0.0F);
    }
    add_floats(layer.name + ".pairs", pairs);
  }
  const LayerSpec& input = model.graph.input();
  if (!input.preprocessing) return;
  const Preprocessing& how = *input.preprocessing;
  add_floats(input.name + ".mean", {how.mean.begin(), how.mean.end()});
  add_floats(input.name + ".deviation", {how.deviation.begin(), how.deviation.end()});
}

DeviceNumbers::Extents DeviceNumbers::extents_of(const LayerSpec& layer) const {
  const Shape& in = model_.graph.input_shape(layer);
  if (layer.op == OpKind::linear) return {layer.out_channels, in.channels, in.height * in.width};
  return {layer.out_channels, in.channels / layer.groups, layer.kernel * layer.kernel};
}

void DeviceNumbers::add_float_weights(const LayerSpec& layer) {
  const Extents e = extents_of(layer);
  const std::vector<float>& weights = model_.buffer(layer.name + ".weight").values;
  const int64_t depth = e.channels * e.taps;
  std::vector<float> values(weights.size());
  for (int64_t k = 0; k < e.kernels; ++k)
    for (int64_t d = 0; d < depth; ++d)
      values[static_cast<size_t>(d * e.kernels + k)] = weights[static_cast<size_t>(k * depth + d)];
  add_floats(layer.name + ".weight", values);
}

int64_t DeviceNumbers::add_codes(const LayerSpec& layer) {
  constexpr int64_t kByte = 8;
  const Extents e = extents_of(layer);
  const std::vector<float>& weights = model_.buffer(layer.name + ".weight").values;
  const auto [lowest, highest] = std::minmax_element(weights.begin(), weights.end());
  require(*lowest >= -128.0F && *highest <= 127.0F,
          "layer {}: expected weights of up to 8 bits for the CUDA kernels, got codes {} .. {}; use --device cpu",
          layer.name, *lowest, *highest);
  std::vector<uint8_t> codes(weights.size());
  for (int64_t k = 0; k < e.kernels; ++k)
    for (int64_t c = 0; c < e.channels; ++c)
      for (int64_t tap = 0; tap < e.taps; ++tap) {
        const float code = weights[static_cast<size_t>((k * e.channels + c) * e.taps + tap)];
        codes[static_cast<size_t>((k * e.taps + tap) * e.channels + c)] = static_cast<uint8_t>(static_cast<int>(code));
      }
  const bool is_plain = layer.quant->encoding() == Encoding::plain && layer.quant->bits() < kByte;
  const int64_t bits = is_plain ? layer.quant->bits() : kByte;
  const auto count = static_cast<int64_t>(codes.size());
  std::vector<uint8_t> stream(static_cast<size_t>(packed_bytes(count, bits)));
  pack_codes(codes.data(), count, bits, stream.data());
  add(layer.name + ".weight", stream.data(), stream.size());
  return bits;
}

void DeviceNumbers::add(const std::string& name, const void* data, size_t bytes) {
  const auto* from = static_cast<const uint8_t*>(data);
  at_[name] = host_.size();
  host_.insert(host_.end(), from, from + bytes);
  host_.resize((host_.size() + kAlignment - 1) / kAlignment * kAlignment);
}

void DeviceNumbers::add_floats(const std::string& name, const std::vector<float>& values) {
  add(name, values.data(), values.size() * sizeof(float));
}

void DeviceNumbers::upload() {
  memory_ = std::make_unique<DeviceMemory>(static_cast<int64_t>(host_.size()));
  memory_->upload(host_.data());
  host_.clear();
}

const uint8_t* DeviceNumbers::bytes(const std::string& name) const {
  return static_cast<const uint8_t*>(memory_->data()) + at_.at(name);
}

}  // namespace carat
