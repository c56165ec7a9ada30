// SPDX-License-Identifier: Apache-2.0
// carat sensitivity: an analysis outside a recipe, in several processes if so wished, and the merging of their files.
#pragma once

#include <string>
#include <vector>

namespace carat {

// Throws UsageError for wrong words, Error for wrong files.
int sensitivity_command(const std::vector<std::string>& words);

}  // namespace carat
