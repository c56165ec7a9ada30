// SPDX-License-Identifier: Apache-2.0
// A ModelGraph as JSON text: stored in a stage model's safetensors metadata and in the packed file's header.
#pragma once

#include <string>

#include "models/graph/graph.h"

namespace carat {

// Compact, keys sorted, only values that differ from LayerSpec's defaults: equal graphs give equal text.
std::string to_json(const ModelGraph& graph);

// Throws Error for anything malformed; `origin` (a file name) opens the message.
ModelGraph graph_from_json(const std::string& text, const std::string& origin);

}  // namespace carat
