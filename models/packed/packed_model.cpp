// SPDX-License-Identifier: Apache-2.0
#include "models/packed/packed_model.h"

#include <algorithm>

#include "base/fail.h"
#include "base/text.h"
#include "models/packed/bits.h"

namespace carat {
namespace {

std::vector<float> codebook_of(const Model& model, const Section& section) {
  if (section.coding != Coding::index) return {};
  return model.buffer(split_buffer_name(section.buffer).layer + ".codebook").values;
}

// 1 for every weight that is stored under a mask: nonzeros, or all in kept blocks.
std::vector<uint8_t> kept_weights(const Model& model, const std::string& layer, const std::vector<float>& values) {
  if (model.graph.layer(layer).block) return model.masks.at(layer).kept;
  std::vector<uint8_t> kept(values.size());
  std::transform(values.begin(), values.end(), kept.begin(), [](float v) { return v != 0.0F ? 1 : 0; });
  return kept;
}

void write_mask(const LayerSpec& layer, const Section& section, const std::vector<uint8_t>& kept, BitWriter& writer) {
  if (section.mask == MaskKind::bit)
    for (const uint8_t bit : kept) writer.put(bit, 1);
  if (section.mask != MaskKind::block) return;
  std::vector<uint8_t> blocks(static_cast<size_t>(section.mask_bits), 0);
  for (int64_t i = 0; i < section.elements; ++i)
    blocks[static_cast<size_t>(block_of(layer, section.elements, i))] = kept[static_cast<size_t>(i)];
  for (const uint8_t bit : blocks) writer.put(bit, 1);
}

std::vector<uint8_t> read_mask(const LayerSpec& layer, const Section& section, BitReader& reader) {
  std::vector<uint8_t> bits(static_cast<size_t>(section.mask_bits));
  for (uint8_t& bit : bits) bit = static_cast<uint8_t>(reader.get(1));
  if (section.mask == MaskKind::bit) return bits;
  std::vector<uint8_t> kept(static_cast<size_t>(section.elements), 1);
  if (section.mask == MaskKind::block)
    for (int64_t i = 0; i < section.elements; ++i)
      kept[static_cast<size_t>(i)] = bits[static_cast<size_t>(block_of(layer, section.elements, i))];
  return kept;
}

void unpack_mask(Model& model, const Section& section, std::vector<uint8_t> kept) {
  const std::string layer = split_buffer_name(section.buffer).layer;
  if (!is_weight(model.graph, section.buffer) || !model.graph.layer(layer).is_masked) return;
  const Buffer& weights = model.buffers.at(section.buffer);
  if (!model.graph.layer(layer).block) kept = kept_weights(model, layer, weights.values);
  model.masks[layer] = {weights.shape, std::move(kept)};
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
    const std::vector<float>& values = fused.buffer(name).values;
    std::vector<uint8_t> kept(values.size(), 1);
    const std::string layer = split_buffer_name(name).layer;
    if (is_weight(fused.graph, name)) kept = kept_weights(fused, layer, values);
    const Section section = section_of(fused.graph, name, shape, std::count(kept.begin(), kept.end(), 1));
    write_mask(fused.graph.layer(layer), section, kept, writer);
    const std::vector<float> book = codebook_of(fused, section);
    for (size_t i = 0; i < values.size(); ++i)
      if (section.mask == MaskKind::none || kept[i] != 0)
        writer.put(encode(values[i], section, book), section.value_bits);
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
    // "layer.codebook" comes before "layer.weight": sections are sorted by name.
    const std::vector<float> book = codebook_of(model, section);
    std::vector<uint8_t> kept = read_mask(packed.graph.layer(split_buffer_name(section.buffer).layer), section, reader);
    for (size_t i = 0; i < kept.size(); ++i)
      if (kept[i] != 0) buffer.values[i] = decode(reader.get(section.value_bits), section, book);
    reader.align();
    unpack_mask(model, section, std::move(kept));
  }
  return model;
}

std::string describe(const PackedModel& packed) {
  const auto row = [](const auto&... cells) {
    return fmt::format("{:<32} {:>10} {:>10} {:<20} {:<6} {:>12} {:>10} {:>22}\n", cells...);
  };
  std::string text = row("tensor", "elements", "stored", "values", "mask", "total bits", "bytes", "range");
  const Model model = unpack(packed);
  for (const Section& s : packed.sections) {
    const std::vector<float>& values = model.buffer(s.buffer).values;
    const auto [lowest, highest] = std::minmax_element(values.begin(), values.end());
    text +=
        row(s.buffer, with_separators(s.elements), with_separators(s.values), name_of(s), name_of(s.mask),
            with_separators(s.bits()), with_separators(s.bytes()), fmt::format("{:.6g} .. {:.6g}", *lowest, *highest));
  }
  const PayloadSize size = payload_size(packed);
  text += fmt::format("payload {} bits, padding {} bits, header {} bytes, file {} bytes\n",
                      with_separators(size.payload_bits), size.padding_bits, with_separators(size.header_bytes),
                      with_separators(size.file_bytes));
  text += fmt::format("sparsity of the weights {:.2f} %\n", 100.0 * sparsity(model));
  const Provenance& from = packed.provenance;
  if (!from.recipe.empty()) text += fmt::format("recipe {}\n", from.recipe);
  if (!from.commit.empty()) text += fmt::format("made by commit {}\n", from.commit);
  if (from.total > 0)
    text += fmt::format("claimed: {} of {} images of {} ({:.2f} %)\n", from.correct, from.total, from.data,
                        100.0 * static_cast<double>(from.correct) / static_cast<double>(from.total));
  return text;
}

}  // namespace carat
