// SPDX-License-Identifier: Apache-2.0
// carat verify: a packed model's execution, on the CPU or a CUDA device, against another execution of the same network,
// layer by layer.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "models/packed/packed_model.h"

namespace carat {

struct VerifyRequest {
  std::string file;
  std::string against;  // a stage model; "": the reference executor
  std::string network;  // of the zoo, for a file of plain tensors
  DataSource data;      // no name: random images
  Split split = Split::test;
  int64_t limit = 100;
  int64_t threads = 0;
  std::string device = "auto";  // cuda: the CUDA executor in place of the fast one
};

// Throws UsageError.
VerifyRequest parse_verify(const std::vector<std::string>& words);

// Values {C, H, W} by layer, of one image; codes and sums as whole numbers. Called from several threads when
// VerifyRequest::threads says so.
using LayerValues = std::map<std::string, std::vector<float>>;
using LayerSource = std::function<LayerValues(const uint8_t* image)>;

// Compares every layer that both have, prints what was compared and the first difference: image, layer, channel, pixel.
// Returns the exit status: 1 where anything differs.
int run_verify(const VerifyRequest& request, const PackedModel& packed, const LayerSource& other,
               const std::string& other_name);

}  // namespace carat
