// SPDX-License-Identifier: Apache-2.0
// A graph for people: a text table, and Graphviz.
#pragma once

#include <string>

#include "models/graph/graph.h"

namespace carat {

// One line per layer: name, operation, result shape, weights, compression, inputs.
std::string to_table(const ModelGraph& graph);

// A digraph for `dot -Tsvg`.
std::string to_graphviz(const ModelGraph& graph);

}  // namespace carat
