// SPDX-License-Identifier: Apache-2.0
// Scale fitting: the scale that minimises the squared rounding error, by alternating least squares or exactly.
#pragma once

#include <cstdint>
#include <span>

#include "models/graph/quant.h"

namespace carat {

struct ScaleFit {
  double scale = 1.0;
  double squared_error = 0.0;  // sum over the values of (x - scale * code)^2
};

// From scale = max|x| / highest code, repeats code = clamp(round(x / scale)), scale = (x . code) / (code . code) until
// nothing changes or 100 rounds. Zeros do not matter. All-zero values give scale 1.
// Binary codes have a closed form instead: scale = mean|x| of the values other than 0, code = sign(x).
// Source: the 2019 MicroNet winners' published code (alternating minimisation of ||x - scale * code||^2); Rastegari et
// al. 2016, eq. 6 (binary).
ScaleFit fit_scale(std::span<const float> values, const QuantSpec& spec);

// The same repetition from another scale.
ScaleFit fit_scale_from(std::span<const float> values, double scale, const QuantSpec& spec);

// The same from several starts (1, 0.9 ... 0.2 of the largest magnitude); the smallest error wins. For long-tailed
// activations, where the search from the maximum stops early.
ScaleFit fit_scale_from_many(std::span<const float> values, const QuantSpec& spec);

// The global minimum of ||x - scale * code||^2 over scale > 0 and codes of the spec. Codes change only where scale =
// |x_i| / (k + 0.5); these are visited from the largest down with running sums x . code and code . code, and the codes
// with the largest (x . code)^2 / (code . code) win, the largest scale among those within 1e-13 of x . x. Scales so
// small that clipping alone costs more than `known`, the error of any fit, are left out. For n values time n * codes *
// log n, memory n * 4 bytes.
ScaleFit fit_scale_exact(std::span<const float> values, const QuantSpec& spec, const ScaleFit& known);
ScaleFit fit_scale_exact(std::span<const float> values, const QuantSpec& spec);

// Code of one value, rounded as the spec says, computed as training does: float32 x times float32 1 / scale.
int64_t code_of(float value, float inverse_scale, const QuantSpec& spec);

}  // namespace carat
