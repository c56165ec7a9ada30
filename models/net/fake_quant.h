// SPDX-License-Identifier: Apache-2.0
// Quantization inside training: integer-valued codes forward, straight-through gradients backward.
#pragma once

#include <ATen/core/Tensor.h>

#include "models/graph/quant.h"

namespace carat {

// code = clamp(round(x * inverse_scale), lowest, highest), rounded as spec says; integer-valued float32.
// inverse_scale broadcasts against x. Gradient: d code / d x = inverse_scale where x is inside the range, 0 outside.
// Source: Bengio et al. 2013 (straight-through); Jacob et al. 2018, eq. 1.
at::Tensor activation_codes(const at::Tensor& x, const at::Tensor& inverse_scale, const QuantSpec& spec);

// clamp(round(x * inverse_scale + zero_point), 0, 2^bits - 1) - zero_point; the gradient is inverse_scale inside, 0
// outside.
at::Tensor shifted_codes(const at::Tensor& x, const at::Tensor& inverse_scale, const at::Tensor& zero_point,
                         const QuantSpec& spec);

// The values that the codes stand for, scale * code; zero_point may be undefined: none.
struct ActivationGrid {
  const at::Tensor& scale;
  const at::Tensor& inverse_scale;
  const at::Tensor& zero_point;
};
at::Tensor quantized_values(const at::Tensor& x, const ActivationGrid& grid, const QuantSpec& spec);

// Values whose scale, and of shifted codes the zero point, are learned with the network: kernels/step_size.h with the
// gradients of scale and zero point times 1 / sqrt(features * highest code). scale: {1} or one per kernel of contiguous
// weights; zero_point: {1}, a real number that is rounded, or undefined.
// Source: Esser et al. 2020 (arXiv:1902.08153), section 2.2; Bhalgat et al. 2020 (arXiv:2004.09576).
struct LearnedGrid {
  const at::Tensor& scale;
  const at::Tensor& zero_point;
  int64_t features;  // weights that share a scale, values of an image
};
at::Tensor learned_values(const at::Tensor& x, const LearnedGrid& grid, const QuantSpec& spec);

// Codes of weights, with the gradient passed everywhere: a weight beyond the range can come back. Binary:
// code = sign(x).
at::Tensor weight_codes(const at::Tensor& weights, const at::Tensor& inverse_scale, const QuantSpec& spec);

// Rounds to integers, in place.
void round_codes_(at::Tensor& x, Rounding rounding);

}  // namespace carat
