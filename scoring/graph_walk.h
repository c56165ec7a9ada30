// SPDX-License-Identifier: Apache-2.0
// The walk of a Carat network: widths travel along the edges, declarations come from the layers.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "models/graph/graph.h"
#include "scoring/walk.h"

namespace carat {

// True nonzero weights of every kernel (output channel), by layer.
using KernelNonzeros = std::map<std::string, std::vector<int64_t>>;

Walk walk_network(const ModelGraph& graph, const KernelNonzeros& nonzeros);

// Every weight nonzero.
KernelNonzeros dense_counts(const ModelGraph& graph);

}  // namespace carat
