// SPDX-License-Identifier: Apache-2.0
// What a recipe will do, before anything runs: layers matched, predicted sheet after every stage, time.
#pragma once

#include <string>

#include "pipeline/recipe.h"

namespace carat {

// Text for a terminal. Times a few training steps and forward passes of the network on this machine.
std::string plan_text(const Recipe& recipe, const std::string& device);

}  // namespace carat
