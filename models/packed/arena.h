// SPDX-License-Identifier: Apache-2.0
// Memory planned by liveness: blocks that are never alive together share bytes.
#pragma once

#include <cstdint>
#include <vector>

namespace carat {

struct ArenaBlock {
  int64_t bytes = 0;
  int64_t first = 0;  // step that writes it
  int64_t last = 0;   // last step that reads it
  int64_t offset = 0;
};

// Sets every offset (a multiple of 64), largest blocks first, each at the lowest place where no block that lives at the
// same time lies. Returns the bytes of the whole.
int64_t place_blocks(std::vector<ArenaBlock>& blocks);

}  // namespace carat
