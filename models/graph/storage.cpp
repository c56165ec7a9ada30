// SPDX-License-Identifier: Apache-2.0
#include "models/graph/storage.h"

#include "base/fail.h"

namespace carat {
namespace {

int64_t stored_bits(const LayerSpec& layer, MaskKind mask) {
  constexpr int64_t kFloatBits = 32;
  if (!layer.quant) return kFloatBits;
  if (layer.quant->encoding() == Encoding::codebook) return layer.quant->index_bits();
  if (layer.quant->encoding() == Encoding::ternary && mask == MaskKind::bit) return 1;
  return layer.quant->bits();
}

MaskKind mask_of(const LayerSpec& layer, int64_t weights, int64_t kept) {
  if (kept == weights) return MaskKind::none;
  if (layer.block) return MaskKind::block;
  const bool has_zero_code =
      !layer.quant || layer.quant->encoding() == Encoding::plain || layer.quant->encoding() == Encoding::ternary;
  if (!has_zero_code) return MaskKind::bit;
  const int64_t sparse = weights + kept * stored_bits(layer, MaskKind::bit);
  return sparse < weights * stored_bits(layer, MaskKind::none) ? MaskKind::bit : MaskKind::none;
}

}  // namespace

std::string_view name_of(MaskKind mask) {
  return mask == MaskKind::none ? "none" : mask == MaskKind::bit ? "bit" : "block";
}

MaskKind mask_named(std::string_view name) {
  for (const MaskKind mask : {MaskKind::none, MaskKind::bit, MaskKind::block})
    if (name == name_of(mask)) return mask;
  fail("mask: expected none, bit or block, got {}", name);
}

BlockCounts block_counts(const LayerSpec& layer, int64_t weights) {
  const MaskBlock block = layer.block.value_or(MaskBlock{});
  const int64_t length = weights / layer.out_channels;
  return {(layer.out_channels + block.kernels - 1) / block.kernels, (length + block.weights - 1) / block.weights};
}

int64_t block_of(const LayerSpec& layer, int64_t weights, int64_t index) {
  const MaskBlock block = layer.block.value_or(MaskBlock{});
  const int64_t length = weights / layer.out_channels;
  return index / length / block.kernels * block_counts(layer, weights).columns + index % length / block.weights;
}

WeightStorage weight_storage(const LayerSpec& layer, int64_t weights, int64_t kept) {
  WeightStorage storage;
  storage.mask = mask_of(layer, weights, kept);
  if (storage.mask == MaskKind::bit) storage.mask_bits = weights;
  if (storage.mask == MaskKind::block) {
    const BlockCounts blocks = block_counts(layer, weights);
    storage.mask_bits = blocks.rows * blocks.columns;
  }
  storage.values = storage.mask == MaskKind::none ? weights : kept;
  storage.bits = stored_bits(layer, storage.mask);
  if (layer.quant && layer.quant->encoding() == Encoding::codebook)
    storage.table_bits = (int64_t{1} << layer.quant->index_bits()) * layer.quant->bits();
  return storage;
}

}  // namespace carat
