// SPDX-License-Identifier: Apache-2.0
// Random changes of a training image, in this order: random resized crop (when the image is read), shifted crop, flip,
// AutoAugment, RandAugment, colour jitter, cutout, random erasing.
#pragma once

#include <cstdint>
#include <string>

#include "base/random.h"
#include "data/dataset.h"

namespace carat {

struct Augmentation {
  int64_t crop_padding = 0;           // pixels of zeros on every side before a random crop
  bool flip = false;                  // mirror with probability 1/2
  int64_t cutout = 0;                 // side of a zeroed square, centred anywhere (DeVries, Taylor 2017)
  double random_resized_crop = 0.0;   // smallest share of the area; 0: off, see data/random_crop.h
  std::string auto_augment = "none";  // see data/policy.h
  int64_t rand_augment_n = 0;
  int64_t rand_augment_m = 9;
  // Brightness, contrast and saturation each by a factor uniform in [1 - jitter, 1 + jitter], in random order.
  double colour_jitter = 0.0;
  double hue_jitter = 0.0;      // hue turned by up to this share of the circle, as one more of these changes
  double random_erasing = 0.0;  // probability of a rectangle of random bytes
};

// The training pixels of an image before augment(): the image for evaluation, or a random part of it. False: skipped.
bool read_for_training(const Dataset& data, int64_t index, const Augmentation& how, Random& random, uint8_t* to);

// One image of the data set's size from `from` to `to`.
void augment(const Dataset& data, const uint8_t* from, const Augmentation& how, Random& random, uint8_t* to);

}  // namespace carat
