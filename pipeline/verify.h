// SPDX-License-Identifier: Apache-2.0
// The packed file read back and executed on integer codes, against the trained network in LibTorch, image by image.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "data/dataset.h"
#include "models/packed/packed_model.h"
#include "models/weights/model.h"

namespace carat {

struct Verification {
  int64_t images = 0;
  int64_t differences = 0;       // images with any logit that is not equal to the last bit
  int64_t correct = 0;           // of the integer executor
  std::string first_difference;  // "image 17, class 3: 1.25 packed, 1.26 trained"; empty when there is none
};

Verification verify(const PackedModel& packed, const Model& trained, const Dataset& images, int64_t threads,
                    const std::function<void(int64_t, int64_t)>& progress);

}  // namespace carat
