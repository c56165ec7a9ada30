// SPDX-License-Identifier: Apache-2.0
// Convolution of integer codes, exact: int32 accumulators, zero padding (the code of zero).
// acc[k][y][x] = sum over c, r, s of w[k][c][r][s] * x[c][y * stride + r - padding][x * stride + s - padding].
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/window.h"

namespace carat {

// The nonzero weights of every kernel.
struct SparseKernels {
  struct Tap {
    int32_t channel;  // of the whole input
    int32_t row;
    int32_t column;
    int32_t code;
  };
  std::vector<std::vector<Tap>> kernels;
};

// weights: {K, C/groups, R, S} codes as floats.
SparseKernels sparse_kernels(const float* weights, const Window& window);

// x: codes {C, H, W} as floats; acc {K, OH, OW}.
void convolve_codes(const float* x, const SparseKernels& weights, const Window& window, int32_t* acc);

}  // namespace carat
