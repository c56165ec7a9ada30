// SPDX-License-Identifier: Apache-2.0
// How one tensor of a network lies in the payload of a packed model.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/graph/graph.h"
#include "models/graph/storage.h"

namespace carat {

// What the bits of a value say. code: two's complement; natural: unsigned; sign: 1 is -1, 0 is +1; index: into the
// layer's codebook; half, single: IEEE 754.
enum class Coding { code, natural, sign, index, half, single };

struct Section {
  std::string buffer;  // "block1.conv1.weight"
  Coding coding = Coding::single;
  MaskKind mask = MaskKind::none;
  int64_t mask_bits = 0;
  int64_t value_bits = 32;
  int64_t elements = 0;
  int64_t values = 0;  // stored values

  int64_t bits() const { return mask_bits + values * value_bits; }
  int64_t bytes() const { return (bits() + 7) / 8; }
};

// Layer and part of a buffer: "block1.conv1", "weight".
struct BufferName {
  std::string layer;
  std::string part;
};
BufferName split_buffer_name(const std::string& buffer);

// The weights of a conv or linear layer, which masks apply to.
bool is_weight(const ModelGraph& graph, const std::string& buffer);

// The section of a buffer of the graph, of which `kept` values are nonzero or lie in kept blocks (weights only).
// Throws Error when a shape is too large to be counted.
Section section_of(const ModelGraph& graph, const std::string& buffer, const std::vector<int64_t>& shape, int64_t kept);

std::string name_of(const Section& section);  // "4-bit codes", "fp16", ...

// Bits of a value, and the value of bits; book: the layer's codebook or empty. Encoding throws Error for a value that
// the section cannot hold.
uint64_t encode(float value, const Section& section, const std::vector<float>& book);
float decode(uint64_t bits, const Section& section, const std::vector<float>& book);

}  // namespace carat
