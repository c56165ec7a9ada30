// SPDX-License-Identifier: Apache-2.0
// The operations without weights, twice: LibTorch's fast versions, and the specifications of kernels/ for exact mode.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "models/graph/layer.h"

namespace carat {

// x with the layer's padding around it when more rows are padded below than above; else x itself: LibTorch's own
// padding serves the symmetric case.
at::Tensor padded(const LayerSpec& layer, const at::Tensor& x, double value);

at::Tensor run_fast(const LayerSpec& layer, const std::vector<at::Tensor>& inputs);

// CPU float32 tensors only.
at::Tensor run_by_specification(const LayerSpec& layer, const std::vector<at::Tensor>& inputs);

// Convolution of floats in the fixed order of kernels/convolve_float.h.
at::Tensor convolve_by_specification(const LayerSpec& layer, const at::Tensor& x, const at::Tensor& weights);

}  // namespace carat
