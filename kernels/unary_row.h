// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/float_ops.h"

namespace carat {

// Bit-equal to apply_unary for finite x; x and y may be the same.
void unary_row(Unary op, const float* x, int64_t n, float* y);

}  // namespace carat
