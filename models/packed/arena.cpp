// SPDX-License-Identifier: Apache-2.0
#include "models/packed/arena.h"

#include <algorithm>
#include <numeric>

namespace carat {

int64_t place_blocks(std::vector<ArenaBlock>& blocks) {
  constexpr int64_t kAlignment = 64;
  std::vector<size_t> order(blocks.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return blocks[a].bytes > blocks[b].bytes; });
  std::vector<size_t> placed;  // by offset
  int64_t total = 0;
  for (const size_t index : order) {
    ArenaBlock& block = blocks[index];
    const int64_t size = (block.bytes + kAlignment - 1) / kAlignment * kAlignment;
    block.offset = 0;
    for (const size_t other_index : placed) {
      const ArenaBlock& other = blocks[other_index];
      if (other.last < block.first || block.last < other.first) continue;
      if (block.offset + size <= other.offset) break;
      block.offset = std::max(block.offset, (other.offset + other.bytes + kAlignment - 1) / kAlignment * kAlignment);
    }
    total = std::max(total, block.offset + size);
    const auto after = std::upper_bound(placed.begin(), placed.end(), block.offset,
                                        [&](int64_t offset, size_t other) { return offset < blocks[other].offset; });
    placed.insert(after, index);
  }
  return total;
}

}  // namespace carat
