// SPDX-License-Identifier: Apache-2.0
#include "models/packed/packed_model.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/fail.h"
#include "base/half.h"
#include "base/text.h"
#include "models/graph/storage.h"
#include "models/packed/bits.h"

namespace carat {
namespace {

// How a buffer of the graph is stored; values is filled in by the caller for sparse tensors.
Section section_of(const ModelGraph& graph, const std::string& buffer, const std::vector<int64_t>& shape) {
  const LayerSpec& layer = graph.layer(buffer.substr(0, buffer.rfind('.')));
  Section section;
  section.buffer = buffer;
  section.elements = 1;
  for (const int64_t extent : shape) section.elements *= extent;
  section.values = section.elements;
  if (has_weights(layer) && layer.quant && buffer.ends_with(".weight")) {
    section.is_code = true;
    section.value_bits = layer.quant->bits();
  } else if (layer.op == OpKind::scale && layer.arithmetic != Arithmetic::float32) {
    section.value_bits = 16;
  }
  return section;
}

bool is_weight(const ModelGraph& graph, const Section& section) {
  return section.buffer.ends_with(".weight") &&
         has_weights(graph.layer(section.buffer.substr(0, section.buffer.rfind('.'))));
}

uint64_t encode(float value, const Section& section) {
  if (section.is_code) return static_cast<uint64_t>(static_cast<int64_t>(value));
  if (section.value_bits == 16) {
    require(round_to_half(value) == value, "{}: {} is not an fp16 value", section.buffer, value);
    return to_half(value);
  }
  return std::bit_cast<uint32_t>(value);
}

float decode(uint64_t bits, const Section& section) {
  if (section.is_code) {
    const auto shift = static_cast<int>(64 - section.value_bits);
    return static_cast<float>(static_cast<int64_t>(bits << shift) >> shift);
  }
  if (section.value_bits == 16) return from_half(static_cast<uint16_t>(bits));
  return std::bit_cast<float>(static_cast<uint32_t>(bits));
}

}  // namespace

PackedModel pack(const Model& fused) {
  for (const LayerSpec& layer : fused.graph.layers())
    require(layer.op != OpKind::batch_norm && (!layer.quant || layer.has_unit_scale),
            "layer {}: run the fuse stage before pack", layer.name);
  PackedModel packed;
  packed.graph = fused.graph;
  BitWriter writer;
  for (const auto& [name, shape] : buffer_shapes(fused.graph)) {
    Section section = section_of(fused.graph, name, shape);
    const std::vector<float>& values = fused.buffer(name).values;
    if (is_weight(fused.graph, section)) {
      const auto zeros = std::count(values.begin(), values.end(), 0.0F);
      const int64_t nonzeros = section.elements - zeros;
      section.has_mask = weight_storage(section.elements, nonzeros, section.value_bits).has_mask;
      if (section.has_mask) section.values = nonzeros;
    }
    if (section.has_mask)
      for (const float value : values) writer.put(value != 0.0F ? 1 : 0, 1);
    for (const float value : values)
      if (!section.has_mask || value != 0.0F) writer.put(encode(value, section), section.value_bits);
    writer.align();
    packed.sections.push_back(section);
  }
  packed.payload = writer.bytes();
  return packed;
}

Model unpack(const PackedModel& packed) {
  Model model;
  model.graph = packed.graph;
  BitReader reader(packed.payload);
  const auto shapes = buffer_shapes(packed.graph);
  for (const Section& section : packed.sections) {
    Buffer& buffer = model.buffers[section.buffer];
    buffer.shape = shapes.at(section.buffer);
    buffer.values.assign(static_cast<size_t>(section.elements), 0.0F);
    std::vector<uint8_t> kept(buffer.values.size(), 1);
    if (section.has_mask)
      for (uint8_t& bit : kept) bit = static_cast<uint8_t>(reader.get(1));
    for (size_t i = 0; i < kept.size(); ++i)
      if (kept[i] != 0) buffer.values[i] = decode(reader.get(section.value_bits), section);
    reader.align();
    const std::string layer = section.buffer.substr(0, section.buffer.rfind('.'));
    if (!is_weight(packed.graph, section) || !packed.graph.layer(layer).is_masked) continue;
    for (size_t i = 0; i < kept.size(); ++i) kept[i] = buffer.values[i] != 0.0F ? 1 : 0;
    model.masks[layer] = {buffer.shape, std::move(kept)};
  }
  return model;
}

std::string describe(const PackedModel& packed) {
  std::string text = fmt::format("{:<32} {:>10} {:>10} {:>6} {:>6} {:>12}\n", "tensor", "elements", "stored", "bits",
                                 "mask", "total bits");
  for (const Section& s : packed.sections)
    text += fmt::format("{:<32} {:>10} {:>10} {:>6} {:>6} {:>12}\n", s.buffer, with_separators(s.elements),
                        with_separators(s.values), s.value_bits, s.has_mask ? "yes" : "no", with_separators(s.bits()));
  const PayloadSize size = payload_size(packed);
  return text + fmt::format("payload {} bits, padding {} bits, header {} bytes, file {} bytes\n",
                            with_separators(size.payload_bits), size.padding_bits, with_separators(size.header_bytes),
                            with_separators(size.file_bytes));
}

}  // namespace carat
