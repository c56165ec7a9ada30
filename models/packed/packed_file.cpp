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

constexpr std::string_view kMagic("CARAT\0\2\0", 8);  // name, a zero, version 2 in 16 bits
constexpr size_t kLengthBytes = 8;
constexpr size_t kChecksumBytes = 8;

Json provenance_of(const PackedModel& packed) {
  const Provenance& from = packed.provenance;
  Json json = Json::object();
  if (!from.recipe.empty()) json["recipe"] = from.recipe;
  if (!from.commit.empty()) json["commit"] = from.commit;
  if (from.total > 0) json.update({{"data", from.data}, {"correct", from.correct}, {"total", from.total}});
  return json;
}

Provenance provenance_from(const Json& json) {
  Provenance from;
  from.recipe = json.value("recipe", "");
  from.commit = json.value("commit", "");
  from.data = json.value("data", "");
  from.correct = json.value("correct", int64_t{0});
  from.total = json.value("total", int64_t{0});
  return from;
}

std::string header_of(const PackedModel& packed) {
  Json sections = Json::array();
  for (const Section& s : packed.sections) {
    Json section = {{"buffer", s.buffer}, {"values", s.values}};
    if (s.mask != MaskKind::none) section["mask"] = std::string(name_of(s.mask));
    sections.push_back(std::move(section));
  }
  Json header = {{"graph", Json::parse(to_json(packed.graph))}, {"sections", sections}};
  if (!packed.class_names.empty()) header["classes"] = packed.class_names;
  if (Json from = provenance_of(packed); !from.empty()) header["provenance"] = std::move(from);
  return header.dump();
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

// Values under the mask at the head of a section's bytes. Partial blocks count their own weights.
int64_t kept_values(const ModelGraph& graph, const Section& section, std::string_view bytes) {
  const auto bit = [&](int64_t i) { return static_cast<uint8_t>(bytes[static_cast<size_t>(i / 8)]) >> (i % 8) & 1; };
  int64_t kept = 0;
  if (section.mask == MaskKind::bit)
    for (int64_t i = 0; i < section.elements; ++i) kept += bit(i);
  if (section.mask == MaskKind::block)
    for (int64_t i = 0; i < section.elements; ++i)
      kept += bit(block_of(graph.layer(split_buffer_name(section.buffer).layer), section.elements, i));
  return section.mask == MaskKind::none ? section.elements : kept;
}

Section section_from(const Json& entry, const ModelGraph& graph, const std::vector<int64_t>& shape) {
  const int64_t values = entry.at("values");
  const std::string buffer = entry.at("buffer");
  const Section section = section_of(graph, buffer, shape, values);
  const MaskKind mask = mask_named(entry.value("mask", "none"));
  require(values >= 0 && values <= section.elements && section.mask == mask && section.values == values,
          "section {}: {} of {} values under a mask of kind {}: expected kind {}", buffer, values, section.elements,
          name_of(mask), name_of(section.mask));
  return section;
}

PackedModel parse(const std::string& header, std::string_view payload) {
  const Json json = Json::parse(header);
  PackedModel packed;
  packed.graph = graph_from_json(json.at("graph").dump(), "header");
  packed.payload = payload;
  const auto shapes = buffer_shapes(packed.graph);
  require(json.at("sections").size() == shapes.size(), "expected {} sections, got {}", shapes.size(),
          json.at("sections").size());
  int64_t at = 0;
  auto shape = shapes.begin();
  for (const Json& entry : json.at("sections")) {
    require(entry.at("buffer") == shape->first, "expected section {}, got {}", shape->first, entry.at("buffer").dump());
    const Section section = section_from(entry, packed.graph, shape->second);
    const auto left = static_cast<int64_t>(payload.size()) - at;
    require(section.bytes() <= left, "section {}: expected {} bytes, {} are left", section.buffer, section.bytes(),
            left);
    // Counts that disagree with the mask would read past the payload.
    const int64_t kept = kept_values(packed.graph, section, payload.substr(static_cast<size_t>(at)));
    require(kept == section.values, "section {}: the mask keeps {} values, {} are stored", section.buffer, kept,
            section.values);
    at += section.bytes();
    packed.sections.push_back(section);
    ++shape;
  }
  require(at == static_cast<int64_t>(payload.size()), "expected a payload of {} bytes, got {}", at, payload.size());
  if (json.contains("classes")) json.at("classes").get_to(packed.class_names);
  require(packed.class_names.empty() || static_cast<int64_t>(packed.class_names.size()) == packed.graph.classes(),
          "expected names of {} classes, got {}", packed.graph.classes(), packed.class_names.size());
  if (json.contains("provenance")) packed.provenance = provenance_from(json.at("provenance"));
  return packed;
}

// Anything that the writer would not write: other kinds, other order, hidden bits.
void check_canonical(const PackedModel& packed, const std::string& header) {
  const Model model = unpack(packed);
  check_model(model);
  PackedModel again = pack(model);
  again.class_names = packed.class_names;
  again.provenance = packed.provenance;
  require(again.payload == packed.payload && header_of(again) == header, "the file is not in canonical form");
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
  require(bytes.substr(0, kMagic.size()) == kMagic, "{}: expected packed format version 2, got {}", origin,
          static_cast<int>(static_cast<uint8_t>(bytes[6])) + 256 * static_cast<int>(static_cast<uint8_t>(bytes[7])));
  const std::string_view content = bytes.substr(0, bytes.size() - kChecksumBytes);
  require(number_at(bytes, content.size()) == hash64(content.data(), content.size()),
          "{}: the checksum is wrong: the file is truncated or damaged", origin);
  const uint64_t length = number_at(bytes, kMagic.size());
  const size_t start = kMagic.size() + kLengthBytes;
  require(length <= content.size() - start, "{}: expected a header of {} bytes, {} are left", origin, length,
          content.size() - start);
  const std::string header(content.substr(start, length));
  try {
    PackedModel packed = parse(header, content.substr(start + length));
    check_canonical(packed, header);
    return packed;
  } catch (const Json::exception& error) {
    fail("{}: malformed header: {}", origin, error.what());
  } catch (const Error& error) {
    fail("{}: {}", origin, error.what());
  }
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
