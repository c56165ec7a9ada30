// SPDX-License-Identifier: Apache-2.0
// Decides where the values and copies of a plan lie in the workspace.
#pragma once

#include "models/packed/execution_plan.h"

namespace carat {

// Inputs of a concatenation are written straight into its place where they can be: dense blocks then grow without
// copies. Everything else shares memory by liveness.
void place_values(ExecutionPlan& plan);

}  // namespace carat
