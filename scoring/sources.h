// SPDX-License-Identifier: Apache-2.0
// Shapes along 'from': what a layer reads is what the layers that it names give.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "scoring/oplist.h"

namespace carat {

// What earlier layers give, nullopt where their kinds do not say.
using EarlierShapes = std::map<std::string, std::optional<Shape>>;

// Refuses, at 'from': a name that is no earlier layer; another number of sources than an addition has terms; shapes
// that do not fit. A concatenation may stand for any reader: its sources' channels add up.
void check_sources(const Fields& fields, const std::string& kind, const LayerShapes& shapes,
                   const EarlierShapes& earlier);

}  // namespace carat
