// SPDX-License-Identifier: Apache-2.0
// Policies of image changes: AutoAugment and RandAugment, with torchvision's ranges of magnitudes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"
#include "data/image.h"

namespace carat {

enum class Change {
  identity,
  shear_x,
  shear_y,
  translate_x,
  translate_y,
  rotate,
  brightness,
  colour,
  contrast,
  sharpness,
  posterize,
  solarize,
  autocontrast,
  equalize,
  invert,
};

// Level `level` of `levels` of a change on an image of this size, from weakest to strongest: shear to 0.3, translation
// to 150/331 of the side, rotation to 30 degrees, colour changes to 0.9 from a factor of 1, posterize from 8 to 4 bits,
// solarize thresholds from 255 to 0; 0 for a change without magnitude. In float32 as torch.linspace gives it.
double magnitude_of(Change change, int64_t level, int64_t levels, const Image& image);
// Changes to which a magnitude is applied with either sign.
bool is_signed(Change change);
void apply_change(Image& image, Change change, double magnitude);

// Names of the AutoAugment policies: "none", "cifar10", "imagenet".
const std::vector<std::string>& auto_augment_names();
// One of 25 sub-policies of two changes, each with its own probability. Source: Cubuk et al. 2019 (arXiv:1805.09501),
// tables 7 and 9.
void auto_augment(Image& image, const std::string& policy, Random& random);

// `count` of the 14 changes (all but invert) at level `magnitude` of 31. Source: Cubuk et al. 2019 (arXiv:1909.13719).
void rand_augment(Image& image, int64_t count, int64_t magnitude, Random& random);

}  // namespace carat
