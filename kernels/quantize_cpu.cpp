// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "kernels/quantize.h"

namespace carat {

void quantize_codes(const float* x, int64_t n, const CodeRange& range, float* codes) {
  for (int64_t i = 0; i < n; ++i) {
    const float whole =
        range.half_away ? std::copysign(std::floor(std::fabs(x[i]) + 0.5F), x[i]) : std::nearbyint(x[i]);
    codes[i] = std::min(std::max(whole, range.lowest), range.highest) + 0.0F;
  }
}

}  // namespace carat
