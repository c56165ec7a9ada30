// SPDX-License-Identifier: Apache-2.0
// A decoded image: interleaved bytes, rows from top to bottom.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace carat {

// A part of an image, in pixels.
struct Box {
  int64_t top = 0;
  int64_t left = 0;
  int64_t height = 0;
  int64_t width = 0;

  bool operator==(const Box&) const = default;
};

// Picks the part of an image of this height and width; it must lie inside.
using ChooseBox = std::function<Box(int64_t height, int64_t width)>;

// Somebody else's pixels. Three bytes behind the last pixel must be readable.
struct ImageView {
  const uint8_t* pixels = nullptr;
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 3;
  int64_t stride = 0;  // bytes from one row to the next

  const uint8_t* row(int64_t y) const { return pixels + y * stride; }
};

struct Image {
  Image() = default;
  Image(int64_t rows, int64_t columns, int64_t channel_count);

  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 3;
  std::vector<uint8_t> pixels;  // {height, width, channels}, then three bytes of padding

  int64_t stride() const { return width * channels; }
  uint8_t* row(int64_t y) { return pixels.data() + y * stride(); }
  const uint8_t* row(int64_t y) const { return pixels.data() + y * stride(); }
  ImageView view() const { return {pixels.data(), height, width, channels, stride()}; }
  ImageView view(const Box& box) const;
};

// Throws Error unless the box is at least a pixel and lies inside.
void check_box(const Box& box, int64_t height, int64_t width);

// From and to {channels, height, width}.
Image from_planes(const uint8_t* planes, int64_t channels, int64_t height, int64_t width);
void to_planes(const Image& image, uint8_t* planes);

}  // namespace carat
