// SPDX-License-Identifier: Apache-2.0
// Model = graph + the named numbers it needs: the only thing that flows between stages.
//
// Buffers of a layer NAME, all float32 in row-major order:
//   conv, linear      NAME.weight {K, C/groups, R, S} (linear {K, C*H*W, 1, 1}); NAME.bias {K} with has_bias;
//                     quantized: NAME.weight_scale {K} (granularity kernel) or {1}, and weight = scale * code;
//                     NAME.unrounded, in training only and not asked for by the graph: the weights before rounding;
//                     with has_unit_scale the weights are the codes themselves and there is no weight_scale
//   batch_norm        NAME.weight, NAME.bias, NAME.running_mean, NAME.running_var, each {C}
//                     codebook: NAME.codebook {2^index_bits}, the codes in ascending order, none of them 0
//   activation_quant  NAME.scale {1}, absent with has_unit_scale
//   scale             NAME.scale {C}; NAME.bias {C} with has_bias; integers in integer arithmetic
//   table             NAME.table, the result's code for every code of the input from the lowest on
// Masks: one byte per weight of a masked layer, 1 = kept.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "models/graph/graph.h"

namespace carat {

struct Buffer {
  std::vector<int64_t> shape;
  std::vector<float> values;

  bool operator==(const Buffer&) const = default;
};

struct SparsityMask {
  std::vector<int64_t> shape;
  std::vector<uint8_t> kept;

  bool operator==(const SparsityMask&) const = default;
};

struct Model {
  ModelGraph graph;
  std::map<std::string, Buffer> buffers;
  std::map<std::string, SparsityMask> masks;  // by layer name

  // Throws Error naming the missing buffer.
  const Buffer& buffer(const std::string& name) const;
  Buffer& buffer(const std::string& name);
};

// Names and shapes of the buffers that the graph asks for.
std::map<std::string, std::vector<int64_t>> buffer_shapes(const ModelGraph& graph);

// Random weights: He normal, fan-out for convolutions, fan-in for linear layers; batch norm 1, 0, 0, 1; masks keep all.
// Source: He et al. 2015, eq. 10 and 14.
Model initialize(const ModelGraph& graph, int64_t seed);

// Every buffer present with its shape and finite, masked layers have a mask and zeros under it, quantized weights lie
// on their grid. Throws Error naming layer and index.
void check_model(const Model& model);

// Weights of every kernel (output channel) that are stored and executed: the nonzeros; with a block mask all that lie
// in kept blocks. By conv and linear layer.
std::map<std::string, std::vector<int64_t>> nonzeros_per_kernel(const Model& model);

// Zeros over all prunable weights, 0..1.
double sparsity(const Model& model);

}  // namespace carat
