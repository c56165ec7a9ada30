// SPDX-License-Identifier: Apache-2.0
// The strict score that a network will have after quantize and fuse, as a function of its layers' sparsities.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "models/graph/graph.h"
#include "scoring/graph_walk.h"
#include "scoring/track.h"

namespace carat {

// The network after quantize and fuse (fp16 scales) with these bits, every layer allowed a mask.
ModelGraph planned_graph(const ModelGraph& graph, int64_t weight_bits, int64_t activation_bits);

class PlannedScore {
 public:
  // graph: in floating point.
  PlannedScore(const ModelGraph& graph, const Track& track, int64_t weight_bits, int64_t activation_bits)
      : graph_(planned_graph(graph, weight_bits, activation_bits)), track_(track) {}

  const ModelGraph& graph() const { return graph_; }

  // Sparsity by layer, 0 where absent; every kernel of a layer keeps the same number of weights, to the nearest.
  double score(const std::map<std::string, double>& sparsities) const;
  // What one weight less in this layer saves: the difference that one less in each of its kernels makes, by kernels.
  double marginal(const std::string& layer, const std::map<std::string, double>& sparsities) const;
  // Mask bits that are stored at this sparsity, 0 where a mask does not pay, and all bits of the layer's weights.
  int64_t mask_bits(const std::string& layer, double sparsity) const;
  int64_t stored_bits(const std::string& layer, double sparsity) const;

 private:
  KernelNonzeros nonzeros(const std::map<std::string, double>& sparsities) const;
  double score_of(const KernelNonzeros& nonzeros) const;

  ModelGraph graph_;
  Track track_;
};

}  // namespace carat
