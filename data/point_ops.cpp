// SPDX-License-Identifier: Apache-2.0
#include "data/point_ops.h"

#include <algorithm>
#include <array>

namespace carat {
namespace {

using Table = std::array<uint8_t, 256>;
using Histogram = std::array<int64_t, 256>;

int64_t values_in(const Image& image) { return image.height * image.width * image.channels; }

template <typename Function>
Table table_of(const Function& function) {
  Table table;
  for (int value = 0; value < 256; ++value) table[static_cast<size_t>(value)] = static_cast<uint8_t>(function(value));
  return table;
}

void map_channel(Image& image, int64_t channel, const Table& table) {
  const int64_t values = values_in(image);
  uint8_t* pixels = image.pixels.data();
  for (int64_t i = channel; i < values; i += image.channels) pixels[i] = table[pixels[i]];
}

void map_values(Image& image, const Table& table) {
  for (int64_t c = 0; c < image.channels; ++c) map_channel(image, c, table);
}

Histogram histogram(const Image& image, int64_t channel) {
  Histogram counts{};
  const int64_t values = values_in(image);
  for (int64_t i = channel; i < values; i += image.channels) ++counts[image.pixels[static_cast<size_t>(i)]];
  return counts;
}

}  // namespace

void invert(Image& image) {
  map_values(image, table_of([](int value) { return 255 - value; }));
}

void posterize(Image& image, int64_t bits) {
  const int mask = ~((1 << (8 - bits)) - 1);
  map_values(image, table_of([&](int value) { return value & mask; }));
}

void solarize(Image& image, double threshold) {
  map_values(image, table_of([&](int value) { return value < threshold ? value : 255 - value; }));
}

void autocontrast(Image& image) {
  for (int64_t c = 0; c < image.channels; ++c) {
    const Histogram counts = histogram(image, c);
    int lowest = 0;
    int highest = 255;
    while (lowest < 255 && counts[static_cast<size_t>(lowest)] == 0) ++lowest;
    while (highest > 0 && counts[static_cast<size_t>(highest)] == 0) --highest;
    if (highest <= lowest) continue;
    const double scale = 255.0 / (highest - lowest);
    const double offset = -lowest * scale;
    map_channel(image, c,
                table_of([&](int value) { return std::clamp(static_cast<int>(value * scale + offset), 0, 255); }));
  }
}

void equalize(Image& image) {
  for (int64_t c = 0; c < image.channels; ++c) {
    const Histogram counts = histogram(image, c);
    int64_t sum = 0;
    int64_t last = 0;
    for (const int64_t count : counts) {
      sum += count;
      if (count > 0) last = count;
    }
    const int64_t step = (sum - last) / 255;
    if (step == 0) continue;
    int64_t running = step / 2;
    Table table;
    for (size_t value = 0; value < 256; ++value) {
      table[value] = static_cast<uint8_t>(std::min<int64_t>(255, running / step));
      running += counts[value];
    }
    map_channel(image, c, table);
  }
}

}  // namespace carat
