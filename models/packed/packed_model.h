// SPDX-License-Identifier: Apache-2.0
// The packed model: the bytes that ship, are counted and are evaluated. Layout in docs/artifact_format.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "models/weights/model.h"

namespace carat {

// One tensor in the payload; starts on a byte.
struct Section {
  std::string buffer;       // "block1.conv1.weight"
  bool has_mask = false;    // one bit per element, then the nonzero values
  int64_t value_bits = 32;  // two's complement codes, fp16 (16) or float32 (32)
  bool is_code = false;
  int64_t elements = 0;
  int64_t values = 0;  // stored values

  int64_t bits() const { return (has_mask ? elements : 0) + values * value_bits; }
  int64_t bytes() const { return (bits() + 7) / 8; }
};

struct PackedModel {
  ModelGraph graph;
  std::vector<Section> sections;
  std::string payload;
};

struct PayloadSize {
  int64_t payload_bits = 0;  // masks and values: what the score sheet counts as storage
  int64_t padding_bits = 0;
  int64_t header_bytes = 0;
  int64_t file_bytes = 0;
};

// Packs a fused network. Throws Error "layer X: run the fuse stage before pack", or when fp16 cannot hold a scale.
PackedModel pack(const Model& fused);
// The numbers again; masks are where stored weights are not zero. pack(unpack(p)) gives the same bytes.
Model unpack(const PackedModel& packed);

std::string to_bytes(const PackedModel& packed);
// Throws Error opening with `origin` for anything that to_bytes would not write.
PackedModel packed_from_bytes(std::string_view bytes, const std::string& origin);
PackedModel read_packed(const std::filesystem::path& path);

PayloadSize payload_size(const PackedModel& packed);

// What the file holds, section by section.
std::string describe(const PackedModel& packed);

}  // namespace carat
