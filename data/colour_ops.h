// SPDX-License-Identifier: Apache-2.0
// Changes of colour and sharpness as Pillow's ImageEnhance makes them, to the last bit: result = degenerate + factor *
// (image - degenerate) in float32, cut off to a byte. Factor 1 leaves an image as it is.
#pragma once

#include "data/image.h"

namespace carat {

void change_brightness(Image& image, double factor);  // degenerate: black
void change_contrast(Image& image, double factor);    // the mean grey
void change_saturation(Image& image, double factor);  // the grey image
void change_sharpness(Image& image, double factor);   // smoothed by (1 1 1, 1 5 1, 1 1 1) / 13, the border kept
// Turns hues by `turn` of a circle, -0.5 to 0.5, in Pillow's HSV. Grey images have none.
void change_hue(Image& image, double turn);

}  // namespace carat
