// SPDX-License-Identifier: Apache-2.0
#include "data/colour_ops.h"

#include <algorithm>
#include <cmath>

namespace carat {
namespace {

uint8_t grey_of(const uint8_t* pixel) {
  return static_cast<uint8_t>((19595 * pixel[0] + 38470 * pixel[1] + 7471 * pixel[2] + 0x8000) >> 16);
}

uint8_t cut_off(float value) { return static_cast<uint8_t>(std::clamp(value, 0.0F, 255.0F)); }

uint8_t blend(int degenerate, int value, float factor) {
  return cut_off(static_cast<float>(degenerate) + factor * static_cast<float>(value - degenerate));
}

int64_t pixels_in(const Image& image) { return image.height * image.width; }

void blend_with(Image& image, const Image& degenerate, double factor) {
  const auto weight = static_cast<float>(factor);
  const int64_t values = pixels_in(image) * image.channels;
  for (int64_t i = 0; i < values; ++i) {
    const auto at = static_cast<size_t>(i);
    image.pixels[at] = blend(degenerate.pixels[at], image.pixels[at], weight);
  }
}

void blend_with(Image& image, int degenerate, double factor) {
  uint8_t table[256];
  for (int value = 0; value < 256; ++value) table[value] = blend(degenerate, value, static_cast<float>(factor));
  const int64_t values = pixels_in(image) * image.channels;
  uint8_t* pixels = image.pixels.data();
  for (int64_t i = 0; i < values; ++i) pixels[i] = table[pixels[i]];
}

struct Hsv {
  uint8_t hue, saturation, value;
};

Hsv to_hsv(const uint8_t* rgb) {
  const int r = rgb[0];
  const int g = rgb[1];
  const int b = rgb[2];
  const int most = std::max({r, g, b});
  const int least = std::min({r, g, b});
  if (most == least) return {0, 0, static_cast<uint8_t>(most)};
  const auto span = static_cast<float>(most - least);
  const float s = span / static_cast<float>(most);
  const float rc = static_cast<float>(most - r) / span;
  const float gc = static_cast<float>(most - g) / span;
  const float bc = static_cast<float>(most - b) / span;
  float h = 0.0F;
  if (r == most)
    h = bc - gc;
  else if (g == most)
    h = static_cast<float>(2.0 + static_cast<double>(rc) - static_cast<double>(bc));
  else
    h = static_cast<float>(4.0 + static_cast<double>(gc) - static_cast<double>(rc));
  h = static_cast<float>(std::fmod(static_cast<double>(h) / 6.0 + 1.0, 1.0));
  return {static_cast<uint8_t>(static_cast<double>(h) * 255.0), static_cast<uint8_t>(static_cast<double>(s) * 255.0),
          static_cast<uint8_t>(most)};
}

void to_rgb(const Hsv& hsv, uint8_t* rgb) {
  const uint8_t v = hsv.value;
  if (hsv.saturation == 0) {
    std::fill_n(rgb, 3, v);
    return;
  }
  const double sixth = static_cast<double>(hsv.hue) * 6.0 / 255.0;
  const auto sector = static_cast<int>(std::floor(sixth));
  const auto f = static_cast<double>(static_cast<float>(sixth - sector));
  const auto s = static_cast<double>(static_cast<float>(hsv.saturation / 255.0));
  const auto byte = [&](double value) { return static_cast<uint8_t>(std::clamp(std::round(value), 0.0, 255.0)); };
  const uint8_t p = byte(v * (1.0 - s));
  const uint8_t q = byte(v * (1.0 - s * f));
  const uint8_t t = byte(v * (1.0 - s * (1.0 - f)));
  const uint8_t sectors[6][3] = {{v, t, p}, {q, v, p}, {p, v, t}, {p, q, v}, {t, p, v}, {v, p, q}};
  std::copy_n(sectors[sector % 6], 3, rgb);
}

Image smoothed(const Image& image) {
  constexpr float kSide = 1.0F / 13.0F;
  constexpr float kCentre = 5.0F / 13.0F;
  Image result = image;
  const int64_t step = image.channels;
  for (int64_t y = 1; y + 1 < image.height; ++y) {
    const uint8_t* above = image.row(y - 1);
    const uint8_t* row = image.row(y);
    const uint8_t* below = image.row(y + 1);
    const auto three = [&](const uint8_t* from, int64_t i, float centre) {
      return static_cast<float>(from[i - step]) * kSide + static_cast<float>(from[i]) * centre +
             static_cast<float>(from[i + step]) * kSide;
    };
    uint8_t* to = result.row(y);
    for (int64_t i = step; i < (image.width - 1) * step; ++i) {
      float sum = 0.5F;
      sum += three(below, i, kSide);
      sum += three(row, i, kCentre);
      sum += three(above, i, kSide);
      to[i] = cut_off(sum);
    }
  }
  return result;
}

}  // namespace

void change_brightness(Image& image, double factor) { blend_with(image, 0, factor); }

void change_contrast(Image& image, double factor) {
  int64_t sum = 0;
  const uint8_t* pixel = image.pixels.data();
  for (int64_t i = 0; i < pixels_in(image); ++i, pixel += image.channels)
    sum += image.channels == 3 ? grey_of(pixel) : *pixel;
  blend_with(image, static_cast<int>(static_cast<double>(sum) / static_cast<double>(pixels_in(image)) + 0.5), factor);
}

void change_saturation(Image& image, double factor) {
  if (image.channels != 3) return;
  const auto weight = static_cast<float>(factor);
  uint8_t* pixel = image.pixels.data();
  for (int64_t i = 0; i < pixels_in(image); ++i, pixel += 3) {
    const uint8_t grey = grey_of(pixel);
    for (int c = 0; c < 3; ++c) pixel[c] = blend(grey, pixel[c], weight);
  }
}

void change_sharpness(Image& image, double factor) { blend_with(image, smoothed(image), factor); }

void change_hue(Image& image, double turn) {
  if (image.channels != 3) return;
  const auto shift = static_cast<uint8_t>(static_cast<int>(turn * 255.0));
  uint8_t* pixel = image.pixels.data();
  for (int64_t i = 0; i < pixels_in(image); ++i, pixel += 3) {
    Hsv hsv = to_hsv(pixel);
    hsv.hue = static_cast<uint8_t>(hsv.hue + shift);
    to_rgb(hsv, pixel);
  }
}

}  // namespace carat
