// SPDX-License-Identifier: Apache-2.0
// Bytes of a packed model: magic, version, header length, JSON header, payload, checksum.
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/fail.h"
#include "base/file.h"
#include "base/hash.h"
#include "models/packed/packed_model.h"
#include "models/weights/graph_json.h"

namespace carat {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kMagic("CARAT\0\1\0", 8);  // name, a zero, version 1 in 16 bits
constexpr size_t kLengthBytes = 8;
constexpr size_t kChecksumBytes = 8;

std::string header_of(const PackedModel& packed) {
  Json sections = Json::array();
  for (const Section& s : packed.sections)
    sections.push_back({{"buffer", s.buffer}, {"mask", s.has_mask}, {"values", s.values}});
  return Json{{"graph", Json::parse(to_json(packed.graph))}, {"sections", sections}}.dump();
}

std::string number_bytes(uint64_t value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

uint64_t number_at(std::string_view bytes, size_t at) {
  uint64_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

PackedModel parse(const std::string& header, std::string_view payload, const std::string& origin) {
  const Json json = Json::parse(header);
  PackedModel packed;
  packed.graph = graph_from_json(json.at("graph").dump(), origin);
  packed.payload = payload;
  const auto shapes = buffer_shapes(packed.graph);
  require(json.at("sections").size() == shapes.size(), "{}: expected {} sections, got {}", origin, shapes.size(),
          json.at("sections").size());
  int64_t bytes = 0;
  auto shape = shapes.begin();
  for (const Json& entry : json.at("sections")) {
    Section s;
    s.buffer = entry.at("buffer");
    s.has_mask = entry.at("mask");
    s.values = entry.at("values");
    require(s.buffer == shape->first, "{}: expected section {}, got {}", origin, shape->first, s.buffer);
    const LayerSpec& layer = packed.graph.layer(s.buffer.substr(0, s.buffer.rfind('.')));
    s.is_code = has_weights(layer) && layer.quant && s.buffer.ends_with(".weight");
    s.value_bits = s.is_code ? layer.quant->bits()
                             : (layer.op == OpKind::scale && layer.arithmetic != Arithmetic::float32 ? 16 : 32);
    s.elements = 1;
    for (const int64_t extent : shape->second) {
      s.elements *= extent;
      require(s.elements <= (int64_t{1} << 31), "{}: section {} is too large", origin, s.buffer);
    }
    require(s.values >= 0 && s.values <= s.elements && (s.has_mask || s.values == s.elements),
            "{}: section {}: {} of {} values stored", origin, s.buffer, s.values, s.elements);
    bytes += s.bytes();
    packed.sections.push_back(s);
    ++shape;
  }
  require(bytes == static_cast<int64_t>(payload.size()), "{}: expected a payload of {} bytes, got {}", origin, bytes,
          payload.size());
  return packed;
}

}  // namespace

std::string to_bytes(const PackedModel& packed) {
  const std::string header = header_of(packed);
  std::string bytes = std::string(kMagic) + number_bytes(header.size()) + header + packed.payload;
  return bytes + number_bytes(hash64(bytes.data(), bytes.size()));
}

PackedModel packed_from_bytes(std::string_view bytes, const std::string& origin) {
  require(bytes.size() >= kMagic.size() + kLengthBytes + kChecksumBytes, "{}: expected a packed model, got {} bytes",
          origin, bytes.size());
  require(bytes.substr(0, 6) == kMagic.substr(0, 6), "{}: expected a packed model (magic CARAT), got another file",
          origin);
  require(bytes.substr(0, kMagic.size()) == kMagic, "{}: expected packed format version 1, got another", origin);
  const std::string_view content = bytes.substr(0, bytes.size() - kChecksumBytes);
  require(number_at(bytes, content.size()) == hash64(content.data(), content.size()),
          "{}: the checksum is wrong: the file is truncated or damaged", origin);
  const uint64_t length = number_at(bytes, kMagic.size());
  const size_t start = kMagic.size() + kLengthBytes;
  require(length <= content.size() - start, "{}: expected a header of {} bytes, {} are left", origin, length,
          content.size() - start);
  PackedModel packed;
  try {
    packed = parse(std::string(content.substr(start, length)), content.substr(start + length), origin);
  } catch (const Json::exception& error) {
    fail("{}: malformed header: {}", origin, error.what());
  }
  // Masks whose counts disagree with the header would read past the payload, and padding could hide bits.
  size_t at = 0;
  for (const Section& s : packed.sections) {
    int64_t kept = 0;
    for (int64_t i = 0; s.has_mask && i < s.elements; ++i)
      kept += static_cast<uint8_t>(packed.payload[at + static_cast<size_t>(i / 8)]) >> (i % 8) & 1;
    require(!s.has_mask || kept == s.values, "{}: section {}: the mask keeps {} values, {} are stored", origin,
            s.buffer, kept, s.values);
    at += static_cast<size_t>(s.bytes());
  }
  try {
    const Model model = unpack(packed);
    check_model(model);
    require(pack(model).payload == packed.payload && header_of(pack(model)) == header_of(packed),
            "the payload is not in canonical form");
  } catch (const Error& error) {
    fail("{}: {}", origin, error.what());
  }
  return packed;
}

PackedModel read_packed(const std::filesystem::path& path) { return packed_from_bytes(read_text(path), path.string()); }

PayloadSize payload_size(const PackedModel& packed) {
  PayloadSize size;
  for (const Section& s : packed.sections) size.payload_bits += s.bits();
  const auto payload_bytes = static_cast<int64_t>(packed.payload.size());
  size.padding_bits = payload_bytes * 8 - size.payload_bits;
  size.file_bytes = static_cast<int64_t>(to_bytes(packed).size());
  size.header_bytes = size.file_bytes - payload_bytes;
  return size;
}

}  // namespace carat
