// SPDX-License-Identifier: Apache-2.0
// What a prediction costs: the network of a plan, counted with its expected densities.
#pragma once

#include "scoring/score_sheet.h"
#include "stages/stage.h"

namespace carat {

// Kernels' nonzeros at the predicted density of their layer, each rounded to the nearest.
KernelNonzeros predicted_nonzeros(const Prediction& prediction);

struct CompressionGuess {
  double sparsity = 0.7;  // of every convolution and linear layer
  int64_t weight_bits = 4;
  int64_t activation_bits = 4;
};

// Strict score of a float network after quantize and fuse with these bits, every layer at this sparsity.
double predicted_score(const ModelGraph& graph, const Track& track, const CompressionGuess& guess);

}  // namespace carat
