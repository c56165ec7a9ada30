// SPDX-License-Identifier: Apache-2.0
// Random resized crop: a part of random area and shape, to be resized to the network's input.
#pragma once

#include "base/random.h"
#include "data/image.h"

namespace carat {

// Area uniform in [smallest, 1] of the image, width / height log-uniform in [3/4, 4/3], ten attempts, then the largest
// centred part of a legal shape. Source: Szegedy et al. 2014, section 6, as torchvision's RandomResizedCrop has it.
Box random_resized_box(int64_t height, int64_t width, double smallest, Random& random);

}  // namespace carat
