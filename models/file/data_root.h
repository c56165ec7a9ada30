// SPDX-License-Identifier: Apache-2.0
// Files that recipes name below the data root.
#pragma once

#include <string>

namespace carat {

// "$CARAT_DATA/..." with the folder that the environment's CARAT_DATA names in front; any other path as it is. Throws
// Error when that is unset or empty; where: "load", names the option in the message.
std::string below_data_root(const std::string& file, const std::string& where);

}  // namespace carat
