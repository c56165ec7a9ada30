// SPDX-License-Identifier: Apache-2.0
#include "kernels/quantize.h"

#include "kernels/scalar/elementwise.h"

namespace carat {

void quantize_codes(const float* x, int64_t n, const CodeRange& range, float* codes) {
  scalar::run_on_cpu(scalar::Quantize{x, range, codes}, n);
}

}  // namespace carat
