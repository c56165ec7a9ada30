// SPDX-License-Identifier: Apache-2.0
// One layer on one image by the specifications of kernels/, values {C, H, W} as floats: the meaning of every operation.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "kernels/convolve_codes.h"
#include "models/weights/model.h"

namespace carat {

// The layer's result is codes, given which of the inputs are.
bool gives_codes(const ModelGraph& graph, const LayerSpec& layer, bool inputs_are_codes);

// Convolution or linear layer; kernels: its nonzero weights when codes meet codes, then sums are int32 and become
// float32.
void run_weight_layer(const Model& model, size_t index, const SparseKernels* kernels, const float* x, float* y);

// Every other operation but the input.
void run_plain_layer(const Model& model, size_t index, std::span<const float* const> inputs, float* y);

}  // namespace carat
