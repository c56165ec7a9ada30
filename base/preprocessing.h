// SPDX-License-Identifier: Apache-2.0
// How an image becomes a network's input: part of a network's entry, recorded in its file, obeyed by the data sets.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace carat {

enum class Interpolation { nearest, bilinear, bicubic };
std::string_view name_of(Interpolation interpolation);
// Throws Error for another name.
Interpolation interpolation_named(std::string_view name);

struct Preprocessing {
  // Per channel: real = (code / 255 - mean) / deviation. Empty: real = code / 255.
  std::vector<double> mean;
  std::vector<double> deviation;
  // Short side in pixels before the centre crop to the network's input; 0: the crop alone.
  int64_t resize = 0;
  Interpolation interpolation = Interpolation::bilinear;  // antialiased, as Pillow does it
  int64_t background_classes = 0;                         // outputs before the data set's first class

  bool operator==(const Preprocessing&) const = default;
};

}  // namespace carat
