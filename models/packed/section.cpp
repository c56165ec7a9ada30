// SPDX-License-Identifier: Apache-2.0
#include "models/packed/section.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/fail.h"
#include "base/half.h"

namespace carat {
namespace {

Coding weight_coding(const LayerSpec& layer, const WeightStorage& storage) {
  if (!layer.quant) return Coding::single;
  const Encoding encoding = layer.quant->encoding();
  if (encoding == Encoding::codebook) return Coding::index;
  return encoding != Encoding::plain && storage.bits == 1 ? Coding::sign : Coding::code;
}

// Coding and width of everything but weights.
std::pair<Coding, int64_t> number_coding(const LayerSpec& layer, const std::string& part) {
  if (part == "codebook") return {Coding::code, layer.quant->bits()};
  if (part == "table") return {layer.quant->is_signed() ? Coding::code : Coding::natural, layer.quant->bits()};
  if (layer.integer) return {Coding::code, part == "scale" ? layer.integer->multiplier_bits : layer.integer->bias_bits};
  if (layer.op == OpKind::scale && layer.arithmetic != Arithmetic::float32) return {Coding::half, 16};
  return {Coding::single, 32};
}

int64_t checked_count(const std::string& buffer, const std::vector<int64_t>& shape) {
  int64_t elements = 1;
  for (const int64_t extent : shape) {
    elements *= extent;
    require(elements <= (int64_t{1} << 31), "section {} is too large", buffer);
  }
  return elements;
}

}  // namespace

BufferName split_buffer_name(const std::string& buffer) {
  const size_t dot = buffer.rfind('.');
  return {buffer.substr(0, dot), buffer.substr(dot + 1)};
}

bool is_weight(const ModelGraph& graph, const std::string& buffer) {
  const auto [layer, part] = split_buffer_name(buffer);
  return part == "weight" && has_weights(graph.layer(layer));
}

Section section_of(const ModelGraph& graph, const std::string& buffer, const std::vector<int64_t>& shape,
                   int64_t kept) {
  const auto [name, part] = split_buffer_name(buffer);
  const LayerSpec& layer = graph.layer(name);
  Section section;
  section.buffer = buffer;
  section.elements = section.values = checked_count(buffer, shape);
  if (!is_weight(graph, buffer)) {
    std::tie(section.coding, section.value_bits) = number_coding(layer, part);
    return section;
  }
  const WeightStorage storage = weight_storage(layer, section.elements, kept);
  section.mask = storage.mask;
  section.mask_bits = storage.mask_bits;
  section.values = storage.values;
  section.value_bits = storage.bits;
  section.coding = weight_coding(layer, storage);
  return section;
}

std::string name_of(const Section& section) {
  switch (section.coding) {
    case Coding::code:
      return fmt::format("{}-bit codes", section.value_bits);
    case Coding::natural:
      return fmt::format("{}-bit unsigned codes", section.value_bits);
    case Coding::sign:
      return "signs";
    case Coding::index:
      return fmt::format("{}-bit indices", section.value_bits);
    case Coding::half:
      return "fp16";
    case Coding::single:
      return "float32";
  }
  return "";
}

uint64_t encode(float value, const Section& section, const std::vector<float>& book) {
  switch (section.coding) {
    case Coding::code:
    case Coding::natural:
      return static_cast<uint64_t>(static_cast<int64_t>(value)) & ((uint64_t{1} << section.value_bits) - 1);
    case Coding::sign:
      require(value == 1.0F || value == -1.0F, "{}: {} is neither -1 nor +1", section.buffer, value);
      return value < 0.0F ? 1 : 0;
    case Coding::index: {
      const auto entry = std::lower_bound(book.begin(), book.end(), value);
      require(entry != book.end() && *entry == value, "{}: {} is not in the codebook", section.buffer, value);
      return static_cast<uint64_t>(entry - book.begin());
    }
    case Coding::half:
      require(round_to_half(value) == value, "{}: {} is not an fp16 value", section.buffer, value);
      return to_half(value);
    case Coding::single:
      break;
  }
  return std::bit_cast<uint32_t>(value);
}

float decode(uint64_t bits, const Section& section, const std::vector<float>& book) {
  switch (section.coding) {
    case Coding::code: {
      const auto shift = static_cast<int>(64 - section.value_bits);
      return static_cast<float>(static_cast<int64_t>(bits << shift) >> shift);
    }
    case Coding::natural:
      return static_cast<float>(bits);
    case Coding::sign:
      return bits != 0 ? -1.0F : 1.0F;
    case Coding::index:
      return book[bits];
    case Coding::half:
      return from_half(static_cast<uint16_t>(bits));
    case Coding::single:
      break;
  }
  return std::bit_cast<float>(static_cast<uint32_t>(bits));
}

}  // namespace carat
