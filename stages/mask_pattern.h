// SPDX-License-Identifier: Apache-2.0
// Which weights of a layer stay, given a score for each: unstructured, in blocks, or N of every M.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/options.h"
#include "models/graph/layer.h"

namespace carat {

struct MaskPattern {
  std::string kind = "unstructured";
  MaskBlock block = {.kernels = 1, .weights = 4};
  int64_t n = 2;  // kept of
  int64_t m = 4;  // neighbours in a kernel

  void describe(OptionTable& table);
  // Zeros of a layer that n_m prunes.
  double n_m_sparsity() const { return 1.0 - static_cast<double>(n) / static_cast<double>(m); }
  // Throws Error when n_m and another sparsity than that.
  void check(const std::string& stage, double target) const;
};

// Indices by rising score, earlier ones first among equals.
std::vector<size_t> rising_order(const std::vector<float>& scores);

// 1 for every weight that stays. scores {kernels, weights of a kernel}, higher ones stay; earlier ones go first among
// equals. unstructured: the round(sparsity * count) lowest go. block: the same of blocks by their mean score; blocks at
// an edge may be partial. n_m: the m - n lowest of every m neighbours go wherever the layer is pruned at all, a shorter
// last group keeps in proportion (rounded up).
std::vector<uint8_t> mask_of(const std::vector<float>& scores, int64_t kernels, double sparsity,
                             const MaskPattern& pattern);

}  // namespace carat
