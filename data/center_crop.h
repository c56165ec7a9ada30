// SPDX-License-Identifier: Apache-2.0
// An image's way into a network for evaluation.
#pragma once

#include "data/dataset.h"
#include "data/image.h"

namespace carat {

// Short side to format.resize (0: as it is), long side to int(resize * long / short); then format.height x format.width
// out of the centre, first row round((rows - height) / 2) with halves to even; black around an image that is too small.
// Source: torchvision's Resize and CenterCrop on PIL images. Only pixels that are wanted are computed.
Image center_crop(const Image& image, const ImageFormat& format);

}  // namespace carat
