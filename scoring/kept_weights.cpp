// SPDX-License-Identifier: Apache-2.0
#include "scoring/kept_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace carat {
namespace {

// What is kept of kernels x length weights.
struct Kept {
  std::vector<int64_t> per_kernel;
  bool is_fractional = false;
  Ratio products;  // per kernel, fractional
  Ratio nonzeros;  // of the tensor
  bool is_sparse = false;
};

std::vector<int64_t> spread_evenly(int64_t total, int64_t kernels) {
  std::vector<int64_t> counts(static_cast<size_t>(kernels), total / kernels);
  for (int64_t i = 0; i < total % kernels; ++i) ++counts[static_cast<size_t>(i)];
  return counts;
}

Kept by_sparsity(const Fields& fields, int64_t kernels, int64_t length) {
  const Ratio density = Ratio(1) - fields.number("sparsity");
  if (!fields.has("sparsity_mode"))
    fields.refuse("sparsity", "a declared sparsity needs a 'sparsity_mode': uniform, real, floor or fractional");
  const std::string mode = fields.text("sparsity_mode");
  const Ratio elements = checked_product(kernels, length);
  Kept kept;
  kept.is_sparse = !(density == Ratio(1));
  if (mode == "uniform") {
    kept.per_kernel.assign(static_cast<size_t>(kernels), (density * Ratio(length)).rounded());
    kept.nonzeros = Ratio(kernels) * Ratio(kept.per_kernel.front());
  } else if (mode == "real") {
    const int64_t total = (density * elements).rounded();
    kept.per_kernel = spread_evenly(total, kernels);
    kept.nonzeros = total;
  } else if (mode == "floor") {
    kept.per_kernel.assign(static_cast<size_t>(kernels), (density * Ratio(length)).floor());
    kept.nonzeros = density * elements;
  } else {
    kept.is_fractional = true;
    kept.products = density * Ratio(length);
    kept.nonzeros = density * elements;
  }
  return kept;
}

struct Blocks {
  int64_t height = 1;
  int64_t width = 1;
  int64_t rows = 1;
  int64_t columns = 1;
};

Blocks blocks_of(const Fields& fields, int64_t kernels, int64_t length) {
  const auto [height, width] = fields.extent("block");
  return {height, width, (kernels + height - 1) / height, (length + width - 1) / width};
}

// Whole blocks: every kernel of a row of blocks has as many weights. A partial block at the end of the kernels counts
// as a whole one, up to the kernel's length.
Kept by_blocks(const Fields& fields, int64_t kernels, int64_t length) {
  const Blocks blocks = blocks_of(fields, kernels, length);
  std::vector<int64_t> rows = fields.integers("kept_blocks");
  if (!fields.is_array("kept_blocks")) {
    const int64_t all = checked_product(blocks.rows, blocks.columns);
    fields.require(rows[0] <= all, "kept_blocks", fmt::format("{} blocks kept of {}", rows[0], all));
    rows = spread_evenly(rows[0], blocks.rows);
  }
  fields.require(std::ssize(rows) == blocks.rows, "kept_blocks",
                 fmt::format("expected {} counts, one per row of blocks, got {}", blocks.rows, rows.size()));
  Kept kept;
  kept.per_kernel.resize(static_cast<size_t>(kernels));
  int64_t total = 0;
  for (size_t kernel = 0; kernel < kept.per_kernel.size(); ++kernel) {
    const int64_t count = rows[kernel / static_cast<size_t>(blocks.height)];
    if (count > blocks.columns)
      fields.refuse("kept_blocks", fmt::format("a row has {} blocks, {} kept ones do not fit", blocks.columns, count));
    kept.per_kernel[kernel] = std::min(length, count * blocks.width);
    total = checked_sum(total, kept.per_kernel[kernel]);
  }
  kept.nonzeros = total;
  kept.is_sparse = true;
  return kept;
}

Kept count_kept(const Fields& fields, int64_t kernels, int64_t length) {
  constexpr int64_t kMostKernels = 10000000;
  fields.require(kernels <= kMostKernels, "name", fmt::format("{} kernels, at most {}", kernels, kMostKernels));
  const int64_t elements = checked_product(kernels, length);
  if (fields.has("sparsity")) return by_sparsity(fields, kernels, length);
  if (fields.has("kept_blocks")) return by_blocks(fields, kernels, length);
  Kept kept;
  if (fields.has("nonzeros_per_kernel")) {
    kept.per_kernel = fields.integers("nonzeros_per_kernel");
    fields.require(static_cast<int64_t>(kept.per_kernel.size()) == kernels, "nonzeros_per_kernel",
                   fmt::format("expected {} counts, one per kernel, got {}", kernels, kept.per_kernel.size()));
    int64_t total = 0;
    for (const int64_t count : kept.per_kernel) {
      if (count > length)
        fields.refuse("nonzeros_per_kernel",
                      fmt::format("a kernel has {} weights, {} nonzeros do not fit", length, count));
      total += count;
    }
    kept.nonzeros = total;
  } else {
    const int64_t total = fields.has("nonzeros") ? fields.integer("nonzeros") : elements;
    fields.require(total <= elements, "nonzeros",
                   fmt::format("the tensor has {} weights, got {} nonzeros", elements, total));
    kept.per_kernel = spread_evenly(total, kernels);
    kept.nonzeros = total;
  }
  kept.is_sparse = kept.nonzeros < Ratio(elements);
  return kept;
}

// Stored bits and the multiply's operand.
void read_encoding(const Fields& fields, KeptWeights& weights) {
  const std::string name = fields.text("weight_encoding");
  const bool has_bits = fields.has("weight_bits");
  const int64_t bits = fields.integer("weight_bits");
  weights.tensor.bits = weights.factor_bits = bits;
  if (name == "plain") return;
  if (name == "codebook") {
    if (!fields.has("codebook_entries"))
      fields.refuse("weight_encoding", "the encoding 'codebook' needs 'codebook_entries'");
    const int64_t entries = fields.integer("codebook_entries");
    const auto index_bits = static_cast<int64_t>(std::bit_width(static_cast<uint64_t>(entries - 1)));
    fields.require(!has_bits || bits >= index_bits, "weight_bits",
                   fmt::format("indices into {} entries need {} bits, got {}", entries, index_bits, bits));
    weights.tensor.bits = has_bits ? bits : index_bits;
    weights.factor_bits = fields.integer("codebook_entry_bits");
    return;
  }
  const bool has_bit_mask = weights.tensor.mask_bits > 0 && weights.tensor.mask_rule == "R11";
  const bool has_zeros = weights.tensor.nonzeros < Ratio(weights.tensor.elements);
  fields.require(name == "ternary" || !has_zeros || fields.has("kept_blocks"), "weight_encoding",
                 "binary weights are -1 or +1, zeros among them make them 'ternary'");
  const int64_t needed = name == "ternary" && !has_bit_mask ? 2 : 1;
  if (has_bits && bits != needed)
    fields.refuse(
        "weight_bits",
        fmt::format("{} weights {} are stored in {} {}, got {}{}", name,
                    has_bit_mask ? "under a bit mask" : "without a bit mask", needed, needed == 1 ? "bit" : "bits",
                    bits, needed == 1 && name == "ternary" ? "; \"mask\": \"none\" stores 2 bits each" : ""));
  weights.tensor.bits = needed;
  weights.factor_bits = 1;
  weights.is_sign = true;
}

StoredTensor stored_weights(const Fields& fields, const Kept& kept, int64_t kernels, int64_t length) {
  StoredTensor tensor;
  tensor.elements = checked_product(kernels, length);
  tensor.nonzeros = tensor.values = kept.nonzeros;
  const bool is_blocks = fields.has("kept_blocks");
  const std::string usual = is_blocks ? "block" : kept.is_sparse ? "bit" : "none";
  const std::string mask = fields.has("mask") ? fields.text("mask") : usual;
  fields.require((mask == "block") == is_blocks, "mask",
                 fmt::format("the mask 'block' and 'kept_blocks' belong together, got the mask '{}'", mask));
  if (mask == "bit") tensor.mask_bits = tensor.elements;
  if (mask == "none") tensor.values = tensor.elements;
  if (mask == "block") {
    const Blocks blocks = blocks_of(fields, kernels, length);
    tensor.mask_bits = blocks.rows * blocks.columns;
    tensor.mask_rule = "R12";
  }
  return tensor;
}

}  // namespace

KeptWeights read_weights(const Fields& fields, int64_t kernels, int64_t length) {
  Kept kept = count_kept(fields, kernels, length);
  KeptWeights weights;
  weights.tensor = stored_weights(fields, kept, kernels, length);
  weights.per_kernel = std::move(kept.per_kernel);
  weights.is_fractional = kept.is_fractional;
  weights.products = kept.products;
  read_encoding(fields, weights);
  return weights;
}

void store_weights(const Fields& fields, WalkBuilder& builder, const KeptWeights& weights) {
  if (fields.flag("tied")) return;
  builder.store(weights.tensor);
  if (fields.text("weight_encoding") == "codebook")
    builder.store(Stored::codebook, checked_product(fields.integer("codebook_entries"), fields.integer("codebooks")),
                  fields.integer("codebook_entry_bits"));
}

void note_spreading(const Fields& fields, WalkBuilder& builder, const KeptWeights& weights) {
  const bool has_zeros = weights.tensor.nonzeros < Ratio(weights.tensor.elements);
  if (!has_zeros) return;
  if (fields.has("nonzeros"))
    builder.note("nonzeros of some layers are given for the whole tensor and spread evenly over its kernels");
  if (fields.has("kept_blocks") && !fields.is_array("kept_blocks"))
    builder.note("kept blocks of some layers are given for the whole tensor and spread evenly over its rows of blocks");
}

}  // namespace carat
