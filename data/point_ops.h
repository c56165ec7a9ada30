// SPDX-License-Identifier: Apache-2.0
// Changes of every pixel by a table, as Pillow's ImageOps makes them, to the last bit.
#pragma once

#include <cstdint>

#include "data/image.h"

namespace carat {

void invert(Image& image);
// Keeps the highest `bits` bits, 1 to 8.
void posterize(Image& image, int64_t bits);
// 255 - value for values of at least the threshold.
void solarize(Image& image, double threshold);
// Per channel: the darkest value becomes 0, the lightest 255.
void autocontrast(Image& image);
// Per channel: a flat histogram.
void equalize(Image& image);

}  // namespace carat
