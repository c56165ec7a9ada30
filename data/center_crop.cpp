// SPDX-License-Identifier: Apache-2.0
#include "data/center_crop.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "data/resize.h"

namespace carat {
namespace {

struct Cut {
  int64_t first;    // in the resized image
  int64_t count;    // pixels taken
  int64_t padding;  // black pixels before them
};

Cut cut_of(int64_t have, int64_t want) {
  if (have < want) return {0, have, (want - have) / 2};
  return {static_cast<int64_t>(std::nearbyint(static_cast<double>(have - want) / 2.0)), want, 0};
}

}  // namespace

Image center_crop(const Image& image, const ImageFormat& format) {
  const int64_t shorter = std::min(image.height, image.width);
  int64_t height = image.height;
  int64_t width = image.width;
  if (format.resize > 0) {
    const auto scaled = [&](int64_t side) {
      return static_cast<int64_t>(static_cast<double>(format.resize * side) / static_cast<double>(shorter));
    };
    height = image.height == shorter ? format.resize : scaled(image.height);
    width = image.width == shorter ? format.resize : scaled(image.width);
  }
  const Cut rows = cut_of(height, format.height);
  const Cut columns = cut_of(width, format.width);
  const Box part{rows.first, columns.first, rows.count, columns.count};
  Image cut = resize(image.view(), {height, width, part, format.interpolation});
  if (rows.count == format.height && columns.count == format.width) return cut;
  Image padded(format.height, format.width, image.channels);
  for (int64_t y = 0; y < rows.count; ++y)
    std::memcpy(padded.row(rows.padding + y) + columns.padding * image.channels, cut.row(y),
                static_cast<size_t>(cut.stride()));
  return padded;
}

}  // namespace carat
