// SPDX-License-Identifier: Apache-2.0
// What kernels/ needs to know of a layer.
#pragma once

#include "kernels/float_ops.h"
#include "kernels/window.h"
#include "models/graph/graph.h"

namespace carat {

// Extents of a layer over its first input; a linear layer is a 1x1 window over the flattened input.
Window window_of(const ModelGraph& graph, const LayerSpec& layer);

Unary unary_of(OpKind op);

}  // namespace carat
