// SPDX-License-Identifier: Apache-2.0
// Iterative scale fitting: the scale that minimises the squared rounding error, by alternating least squares.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <span>
#include <vector>

#include "models/graph/quant.h"

namespace carat {

struct ScaleFit {
  double scale = 1.0;
  double squared_error = 0.0;  // sum over the values of (x - scale * code)^2
};

// From scale = max|x| / highest code, repeats code = clamp(round(x / scale)), scale = (x . code) / (code . code) until
// nothing changes or 100 rounds. Zeros do not matter. All-zero values give scale 1.
// Source: the 2019 MicroNet winners' published code (alternating minimisation of ||x - scale * code||^2).
ScaleFit fit_scale(std::span<const float> values, const QuantSpec& spec);

// The same from several starts (1, 0.9 ... 0.2 of the largest magnitude); the smallest error wins. For long-tailed
// activations, where the search from the maximum stops early.
ScaleFit fit_scale_from_many(std::span<const float> values, const QuantSpec& spec);

// fit_scale for each of count equal parts of values. On CUDA all at once by kernels/fit_scales.h, whose sums run in
// another order: scales differ in the last digits of a double.
std::vector<ScaleFit> fit_scales_of(std::span<const float> values, int64_t count, const QuantSpec& spec,
                                    const c10::Device& device);

// Code of one value, rounded as the spec says, computed as training does: float32 x times float32 1 / scale.
int64_t code_of(float value, float inverse_scale, const QuantSpec& spec);

}  // namespace carat
