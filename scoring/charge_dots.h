// SPDX-License-Identifier: Apache-2.0
// Convolutions, fully connected layers and other dot products under a policy.
#pragma once

#include <vector>

#include "scoring/ledger.h"

namespace carat {

// Rows without layer, kind and share, which the caller puts in.
std::vector<Row> charge_dots(const DotProducts& dots, const Policy& policy);

}  // namespace carat
