// SPDX-License-Identifier: Apache-2.0
// What LibTorch computes in a stage model, layer by layer, for carat verify --against.
#pragma once

#include "evaluation/verify_command.h"
#include "models/weights/model.h"

namespace carat {

// In specified arithmetic. The same network as the packed one (a fused model): every layer. Another one (a model before
// fusing): the codes of the quantizers that both have. The model must outlive the source.
LayerSource network_layers(const Model& model, const PackedModel& packed);

}  // namespace carat
