// SPDX-License-Identifier: Apache-2.0
// What must hold after every stage. A stage cannot forget it: the loop asks.
#pragma once

#include <string>

#include "models/weights/model.h"

namespace carat {

// The model is complete and finite (check_model: masked weights zero, quantized weights on their grid); no layer lost
// its mask or its quantization; a mask only ever grows more zeros; a fixed grid keeps its scales until it is fused.
// structure: layers may be gone or have other shapes; those that are left hold to it. scales: they may change, and
// widths. Throws Error "stage: layer ...".
struct AllowedChanges {
  bool structure = false;
  bool scales = false;
};
void check_invariants(const std::string& stage, const Model& before, const Model& after, AllowedChanges allowed = {});

}  // namespace carat
