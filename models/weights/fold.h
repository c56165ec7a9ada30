// SPDX-License-Identifier: Apache-2.0
// Batch norm folded into the convolution or linear layer before it.
#pragma once

#include "models/weights/model.h"

namespace carat {

// y = k x + b per channel.
struct Affine {
  std::vector<double> k;
  std::vector<double> b;  // empty: none
};

// What a batch-norm layer computes with its running statistics: k = gamma / sqrt(var + eps), b = beta - mean k.
Affine batch_norm_affine(const Model& model, const LayerSpec& batch_norm);

// The graph without every batch norm that is the only reader of a convolution or linear layer in floating point; that
// layer then has a bias. Other batch norms stay: those before an activation that comes before the convolution.
ModelGraph fold_graph(const ModelGraph& graph);

// The same with numbers: w' = k w, b' = k b + beta - mean k, in float64, rounded once to float32.
Model fold_batch_norm(const Model& model);

}  // namespace carat
