// SPDX-License-Identifier: Apache-2.0
// Who reads whose result, and which results are codes: what every executor plans from.
#pragma once

#include <cstddef>
#include <vector>

#include "models/graph/graph.h"

namespace carat {

// All by layer.
struct CodeFlow {
  explicit CodeFlow(const ModelGraph& graph);

  std::vector<std::vector<size_t>> inputs;
  std::vector<std::vector<size_t>> readers;
  std::vector<bool> is_codes;
  std::vector<bool> on_codes;  // a convolution or linear layer that multiplies codes by codes
};

}  // namespace carat
