// SPDX-License-Identifier: Apache-2.0
#include "stages/mask_pattern.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/fail.h"
#include "models/graph/storage.h"

namespace carat {

std::vector<size_t> rising_order(const std::vector<float>& scores) {
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return scores[a] < scores[b]; });
  return order;
}

namespace {

std::vector<uint8_t> lowest_gone(const std::vector<float>& scores, double sparsity) {
  const std::vector<size_t> order = rising_order(scores);
  std::vector<uint8_t> kept(scores.size(), 1);
  const auto gone = static_cast<size_t>(std::llround(sparsity * static_cast<double>(scores.size())));
  for (size_t i = 0; i < gone; ++i) kept[order[i]] = 0;
  return kept;
}

std::vector<uint8_t> blocks_gone(const std::vector<float>& scores, int64_t kernels, double sparsity,
                                 const MaskBlock& block) {
  LayerSpec layer;
  layer.out_channels = kernels;
  layer.block = block;
  const auto weights = static_cast<int64_t>(scores.size());
  const BlockCounts counts = block_counts(layer, weights);
  std::vector<float> sums(static_cast<size_t>(counts.rows * counts.columns));
  std::vector<float> sizes(sums.size());
  std::vector<size_t> places(scores.size());
  for (size_t i = 0; i < scores.size(); ++i) {
    places[i] = static_cast<size_t>(block_of(layer, weights, static_cast<int64_t>(i)));
    sums[places[i]] += scores[i];
    sizes[places[i]] += 1.0F;
  }
  for (size_t i = 0; i < sums.size(); ++i) sums[i] /= sizes[i];
  const std::vector<uint8_t> blocks = lowest_gone(sums, sparsity);
  std::vector<uint8_t> kept(scores.size());
  for (size_t i = 0; i < scores.size(); ++i) kept[i] = blocks[places[i]];
  return kept;
}

std::vector<uint8_t> n_of_m(const std::vector<float>& scores, int64_t kernels, const MaskPattern& pattern) {
  std::vector<uint8_t> kept(scores.size(), 1);
  const auto row = static_cast<int64_t>(scores.size()) / kernels;
  for (int64_t begin = 0; begin < static_cast<int64_t>(scores.size());) {
    const int64_t left = row - begin % row;
    const int64_t size = std::min(pattern.m, left);
    const int64_t stay = (pattern.n * size + pattern.m - 1) / pattern.m;
    const std::vector<size_t> order =
        rising_order(std::vector<float>(scores.begin() + begin, scores.begin() + begin + size));
    for (int64_t i = 0; i < size - stay; ++i) kept[static_cast<size_t>(begin) + order[static_cast<size_t>(i)]] = 0;
    begin += size;
  }
  return kept;
}

}  // namespace

void MaskPattern::describe(OptionTable& table) {
  table.choice("kind", kind, {"unstructured", "block", "n_m"}, "which weights are pruned together");
  table.integer("block_kernels", block.kernels, {1, 4096}, "block: kernels of a block");
  table.integer("block_weights", block.weights, {1, 4096}, "block: weights of a kernel in a block");
  table.integer("n", n, {1, 64}, "n_m: weights kept of m");
  table.integer("m", m, {2, 64}, "n_m: neighbours in a kernel");
}

void MaskPattern::check(const std::string& stage, double target) const {
  if (kind != "n_m") return;
  require(n < m, "{}.pattern: expected n below m, got {} of {}", stage, n, m);
  const double sparsity = n_m_sparsity();
  require(std::abs(target - sparsity) < 1e-9, "{}.target_sparsity: expected {} with {} of {} kept, got {}", stage,
          sparsity, n, m, target);
}

std::vector<uint8_t> mask_of(const std::vector<float>& scores, int64_t kernels, double sparsity,
                             const MaskPattern& pattern) {
  require(sparsity >= 0.0 && sparsity <= 1.0, "sparsity: expected a number in [0, 1], got {}", sparsity);
  if (pattern.kind == "block") return blocks_gone(scores, kernels, sparsity, pattern.block);
  if (pattern.kind == "n_m" && sparsity > 0.0) return n_of_m(scores, kernels, pattern);
  return lowest_gone(scores, sparsity);
}

}  // namespace carat
