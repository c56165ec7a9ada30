// SPDX-License-Identifier: Apache-2.0
// How much each weight matters; the lowest scores are pruned first.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "models/net/network.h"

namespace carat {

// By layer, one score per weight in the weights' order.
using LayerScores = std::map<std::string, std::vector<float>>;

// magnitude: |w|. magnitude_norm: |w| * |gamma| / sqrt(variance + epsilon) of the batch norm that alone reads the
// layer: the magnitude of the weight after folding. second_order: see second_order.h.
const std::vector<std::string>& criterion_names();

// Of the weights as trained, pruned ones included. criterion: magnitude or magnitude_norm.
LayerScores weight_scores(const Network& network, const std::string& criterion);

}  // namespace carat
