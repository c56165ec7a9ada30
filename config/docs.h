// SPDX-License-Identifier: Apache-2.0
// Option tables for people.
#pragma once

#include <string>
#include <vector>

#include "config/options.h"

namespace carat {

std::string to_text(const std::vector<OptionRow>& rows);
std::string to_markdown(const std::vector<OptionRow>& rows);

}  // namespace carat
