// SPDX-License-Identifier: Apache-2.0
// How many bits a weight tensor occupies: the one rule that the packer writes by and the scorer counts by.
#pragma once

#include <cstdint>

#include "models/graph/layer.h"

namespace carat {

enum class MaskKind { none, bit, block };
std::string_view name_of(MaskKind mask);
// Throws Error for another word.
MaskKind mask_named(std::string_view name);

struct WeightStorage {
  MaskKind mask = MaskKind::none;
  int64_t mask_bits = 0;
  int64_t values = 0;      // stored values
  int64_t bits = 32;       // of a stored value
  int64_t table_bits = 0;  // of a codebook

  int64_t total_bits() const { return mask_bits + values * bits + table_bits; }
};

// Weights of a conv or linear layer: kernels x length of them, of which `kept` are not zero or, with block masks, lie
// in kept blocks. With a block mask one bit per block as soon as anything is pruned; else the smaller of dense and one
// mask bit per weight with the nonzeros, dense when equal; binary and codebook weights have no code for zero, so zeros
// take the mask. Source: scoring rules R10 to R12.
WeightStorage weight_storage(const LayerSpec& layer, int64_t weights, int64_t kept);

// Blocks of a layer's mask: along the kernels and along the weights of one.
struct BlockCounts {
  int64_t rows = 1;
  int64_t columns = 1;
};
BlockCounts block_counts(const LayerSpec& layer, int64_t weights);
// Block of one weight: row * columns + column.
int64_t block_of(const LayerSpec& layer, int64_t weights, int64_t index);

}  // namespace carat
