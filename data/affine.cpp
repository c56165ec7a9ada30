// SPDX-License-Identifier: Apache-2.0
#include "data/affine.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace carat {

Image affine(const Image& image, const std::array<double, 6>& inverse) {
  const auto fixed = [](double value) { return static_cast<int64_t>(std::floor(value * 65536.0 + 0.5)); };
  const auto& [a, b, c, d, e, f] = inverse;
  int64_t row_x = fixed(c + a * 0.5 + b * 0.5);
  int64_t row_y = fixed(f + d * 0.5 + e * 0.5);
  const int64_t step_x = fixed(a);
  const int64_t step_y = fixed(d);
  Image result(image.height, image.width, image.channels);
  uint8_t* to = result.pixels.data();
  for (int64_t y = 0; y < image.height; ++y) {
    int64_t at_x = row_x;
    int64_t at_y = row_y;
    for (int64_t x = 0; x < image.width; ++x, to += image.channels) {
      const int64_t source_x = at_x >> 16;
      const int64_t source_y = at_y >> 16;
      if (source_x >= 0 && source_x < image.width && source_y >= 0 && source_y < image.height)
        std::copy_n(image.row(source_y) + source_x * image.channels, image.channels, to);
      at_x += step_x;
      at_y += step_y;
    }
    row_x += fixed(b);
    row_y += fixed(e);
  }
  return result;
}

Image rotate(const Image& image, double degrees) {
  if (degrees == 0.0) return image;
  const double angle = -degrees * std::numbers::pi / 180.0;
  const auto rounded = [](double value) { return std::round(value * 1e15) / 1e15; };
  const double cosine = rounded(std::cos(angle));
  const double sine = rounded(std::sin(angle));
  const double x = static_cast<double>(image.width) / 2.0;
  const double y = static_cast<double>(image.height) / 2.0;
  return affine(image, {cosine, sine, -cosine * x - sine * y + x, -sine, cosine, sine * x - cosine * y + y});
}

Image shear_x(const Image& image, double amount) { return affine(image, {1, amount, 0, 0, 1, 0}); }

Image shear_y(const Image& image, double amount) { return affine(image, {1, 0, 0, amount, 1, 0}); }

Image translate(const Image& image, int64_t right, int64_t down) {
  return affine(image, {1, 0, -static_cast<double>(right), 0, 1, -static_cast<double>(down)});
}

}  // namespace carat
