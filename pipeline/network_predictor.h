// SPDX-License-Identifier: Apache-2.0
// A model of any stage as a predictor: LibTorch runs it.
#pragma once

#include <memory>
#include <string>

#include "evaluation/predictor.h"

namespace carat {

// device: auto, cpu or cuda. exact: by the specifications of kernels/, CPU only. threads 0: all cores.
std::unique_ptr<Predictor> network_predictor(const Model& model, const std::string& device, bool exact,
                                             int64_t threads);

}  // namespace carat
