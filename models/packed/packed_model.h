// SPDX-License-Identifier: Apache-2.0
// The packed model: the bytes that ship, are counted and are evaluated. Layout in docs/artifact_format.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "models/packed/section.h"
#include "models/weights/model.h"

namespace carat {

// Where a packed model comes from and what is claimed of it. Framing: nothing of it is counted.
struct Provenance {
  std::string recipe;   // hash of the resolved recipe, hexadecimal
  std::string commit;   // of the program that made it
  std::string data;     // what the claim was measured on
  int64_t correct = 0;  // of total images
  int64_t total = 0;    // 0: nothing is claimed

  bool operator==(const Provenance&) const = default;
};

struct PackedModel {
  ModelGraph graph;
  std::vector<Section> sections;
  std::string payload;
  std::vector<std::string> class_names;  // of every class, or none
  Provenance provenance;
};

struct PayloadSize {
  int64_t payload_bits = 0;  // masks and values: what the score sheet counts as storage
  int64_t padding_bits = 0;
  int64_t header_bytes = 0;
  int64_t file_bytes = 0;
};

// Packs a fused network. Throws Error "layer X: run the fuse stage before pack", or when fp16 cannot hold a scale.
PackedModel pack(const Model& fused);
// The numbers again; masks are where stored weights are not zero, or as the block mask says. pack(unpack(p)) gives the
// same payload.
Model unpack(const PackedModel& packed);

std::string to_bytes(const PackedModel& packed);
// Throws Error opening with `origin` for anything that to_bytes would not write.
PackedModel packed_from_bytes(std::string_view bytes, const std::string& origin);
PackedModel read_packed(const std::filesystem::path& path);

PayloadSize payload_size(const PackedModel& packed);

// What the file holds, section by section.
std::string describe(const PackedModel& packed);

}  // namespace carat
