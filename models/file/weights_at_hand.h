// SPDX-License-Identifier: Apache-2.0
// Where a zoo network's published weights lie on this machine.
#pragma once

#include <optional>
#include <string>

#include "models/zoo/zoo.h"

namespace carat {

// The variant's file below the data root CARAT_DATA, or below "$CARAT_DATA" when that is unset. Empty: none is known.
std::string weights_path(const ZooVariant& variant);
// The same where the file exists.
std::optional<std::string> weights_at_hand(const ZooVariant& variant);

}  // namespace carat
