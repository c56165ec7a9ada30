// SPDX-License-Identifier: Apache-2.0
// Scale and zero point of an activation quantizer, from samples of what it quantizes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "kernels/unary.h"
#include "models/graph/quant.h"

namespace carat {

struct ActivationFit {
  double scale = 1.0;
  int64_t zero_point = 0;      // of shifted codes, else 0
  double squared_error = 0.0;  // sum of (f(x) - f(scale * (code - zero point)))^2
};

struct ActivationFitOptions {
  // maximum: the range of the samples; percentile: without the share 1 - percentile / 100 at either end;
  // least_squares: the smallest squared error.
  std::string method = "least_squares";
  double percentile = 99.9;
};

// Errors count behind the function f where one follows (a quantizer in front of a table): what f flattens costs
// nothing. Shifted codes cover [low, high], which holds 0: scale = (high - low) / (2^bits - 1), zero point = round(-low
// / scale). least_squares: ranges of 0.05 to 1 times the samples' lower and upper end, then, without f, the closed form
// scale = sum x q / sum q^2, q = code - zero point, until nothing changes or 100 rounds; of unsigned and symmetric
// codes fit_scale_from_many (stages/scale_fit.h). All-zero samples give scale 1.
ActivationFit fit_activation(std::span<const float> samples, const QuantSpec& spec, const ActivationFitOptions& options,
                             std::optional<Unary> f);

}  // namespace carat
