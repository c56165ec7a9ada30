// SPDX-License-Identifier: Apache-2.0
// One YAML document as a tree; includes and overrides come later.
#pragma once

#include <string>

#include "config/node.h"

namespace carat {

Node parse_document(const std::string& text, const std::string& file);

// Gives every node below its key path.
void set_paths(Node& node, const std::string& path);

}  // namespace carat
