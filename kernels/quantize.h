// SPDX-License-Identifier: Apache-2.0
// code = clamp(round(x), lowest, highest), ties to even or away from zero; n floats, x and codes may alias.
#pragma once

#include <cstdint>

#include "kernels/code_range.h"

namespace carat {

void quantize_codes(const float* x, int64_t n, const CodeRange& range, float* codes);
// Device pointers on a CUDA stream. Throws Error in a build without CUDA.
void quantize_codes_cuda(const float* x, int64_t n, const CodeRange& range, float* codes, void* stream);

}  // namespace carat
