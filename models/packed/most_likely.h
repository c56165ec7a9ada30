// SPDX-License-Identifier: Apache-2.0
// The classes that an executor's logits name.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "models/graph/graph.h"

namespace carat {

// The most likely class (the first of equals) of every image. run(count, logits) fills {count, classes}. Throws Error
// when pixels do not make whole images.
std::vector<int64_t> most_likely(const ModelGraph& graph, std::span<const uint8_t> pixels,
                                 const std::function<void(int64_t, float*)>& run);

}  // namespace carat
