// SPDX-License-Identifier: Apache-2.0
#include "data/image.h"

#include "base/fail.h"

namespace carat {

Image::Image(int64_t rows, int64_t columns, int64_t channel_count)
    : height(rows),
      width(columns),
      channels(channel_count),
      pixels(static_cast<size_t>(rows * columns * channel_count + 3)) {}

ImageView Image::view(const Box& box) const {
  return {row(box.top) + box.left * channels, box.height, box.width, channels, stride()};
}

void check_box(const Box& box, int64_t height, int64_t width) {
  require(box.top >= 0 && box.left >= 0 && box.height > 0 && box.width > 0 && box.top + box.height <= height &&
              box.left + box.width <= width,
          "expected a box inside {}x{}, got {}x{} at {},{}", height, width, box.height, box.width, box.top, box.left);
}

Image from_planes(const uint8_t* planes, int64_t channels, int64_t height, int64_t width) {
  Image image(height, width, channels);
  const int64_t plane = height * width;
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t i = 0; i < plane; ++i) image.pixels[static_cast<size_t>(i * channels + c)] = planes[c * plane + i];
  return image;
}

void to_planes(const Image& image, uint8_t* planes) {
  const int64_t plane = image.height * image.width;
  const uint8_t* from = image.pixels.data();
  if (image.channels == 3) {
    uint8_t* green = planes + plane;
    uint8_t* blue = green + plane;
    for (int64_t i = 0; i < plane; ++i) {
      planes[i] = from[3 * i];
      green[i] = from[3 * i + 1];
      blue[i] = from[3 * i + 2];
    }
    return;
  }
  for (int64_t c = 0; c < image.channels; ++c)
    for (int64_t i = 0; i < plane; ++i) planes[c * plane + i] = from[i * image.channels + c];
}

}  // namespace carat
