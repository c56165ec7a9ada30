// SPDX-License-Identifier: Apache-2.0
// Rotation, shear and translation with nearest neighbours as torchvision makes them on Pillow images, to the last bit;
// black where nothing was.
#pragma once

#include <array>
#include <cstdint>

#include "data/image.h"

namespace carat {

// result(x, y) = image(a x' + b y' + c, d x' + e y' + f) with {a, b, c, d, e, f} and pixel centres x' = x + 1/2,
// in 16.16 fixed point.
Image affine(const Image& image, const std::array<double, 6>& inverse);

// Counter-clockwise about the centre, in degrees, less than 90 to either side.
Image rotate(const Image& image, double degrees);
Image shear_x(const Image& image, double amount);
Image shear_y(const Image& image, double amount);
// Pixels to the right and down.
Image translate(const Image& image, int64_t right, int64_t down);

}  // namespace carat
