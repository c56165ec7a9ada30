// SPDX-License-Identifier: Apache-2.0
// An up-sampling and the convolution behind it as one convolution on the image itself: the same results with fewer
// weights, because taps that read the same source pixel are added.
#pragma once

#include <string>

#include "models/weights/model.h"

namespace carat {

// Output y of the convolution reads, at tap r, row floor((y * stride + r - padding) * in / size) of the up-sampling's
// input, or zero outside of [0, size). Where that is y * stride' + tap'(r) - padding' for every y, a convolution with
// stride', padding' and max tap' + 1 taps gives the same, with as many zeros below as that takes; rows and columns
// alike. Throws Error naming the layer where it is not, where there were more zeros above than below, where others read
// the up-sampling, and for quantized weights and masks in blocks.
ModelGraph merge_upsample(const ModelGraph& graph, const std::string& upsample);

// The same with numbers: w'[tap'(r), tap'(s)] = sum of w[r, s] in float64, rounded once to float32. A merged weight is
// kept by the mask where one of its weights is.
Model merge_upsample(const Model& model, const std::string& upsample);

}  // namespace carat
