// SPDX-License-Identifier: Apache-2.0
#include "data/augment.h"

#include <algorithm>
#include <cmath>

#include "data/colour_ops.h"
#include "data/policy.h"
#include "data/random_crop.h"

namespace carat {
namespace {

void shift_and_flip(const Dataset& data, const uint8_t* from, const Augmentation& how, Random& random, uint8_t* to) {
  const int64_t span = 2 * how.crop_padding + 1;
  const int64_t down = how.crop_padding > 0 ? random.below(span) - how.crop_padding : 0;
  const int64_t right = how.crop_padding > 0 ? random.below(span) - how.crop_padding : 0;
  const bool mirrored = how.flip && random.below(2) == 1;
  for (int64_t c = 0; c < data.channels; ++c) {
    for (int64_t y = 0; y < data.height; ++y) {
      for (int64_t x = 0; x < data.width; ++x) {
        const int64_t source_y = y + down;
        const int64_t source_x = (mirrored ? data.width - 1 - x : x) + right;
        const bool inside = source_y >= 0 && source_y < data.height && source_x >= 0 && source_x < data.width;
        *to++ = inside ? from[(c * data.height + source_y) * data.width + source_x] : uint8_t{0};
      }
    }
  }
}

// Source: torchvision's ColorJitter.
void jitter(Image& image, const Augmentation& how, Random& random) {
  const auto factor = [&] { return 1.0 + how.colour_jitter * (2.0 * random.uniform() - 1.0); };
  const double brightness = factor();
  const double contrast = factor();
  const double saturation = factor();
  const double turn = how.hue_jitter * (2.0 * random.uniform() - 1.0);
  for (const int64_t which : permutation(4, random)) {
    if (which == 0) change_brightness(image, brightness);
    if (which == 1) change_contrast(image, contrast);
    if (which == 2) change_saturation(image, saturation);
    if (which == 3 && how.hue_jitter > 0.0) change_hue(image, turn);
  }
}

void cut_out(const Dataset& data, int64_t side, Random& random, uint8_t* image) {
  const int64_t top = random.below(data.height) - side / 2;
  const int64_t left = random.below(data.width) - side / 2;
  for (int64_t c = 0; c < data.channels; ++c)
    for (int64_t y = std::max<int64_t>(0, top); y < std::min(data.height, top + side); ++y)
      for (int64_t x = std::max<int64_t>(0, left); x < std::min(data.width, left + side); ++x)
        image[(c * data.height + y) * data.width + x] = 0;
}

// Area 2 to 33 % of the image, height / width log-uniform in [0.3, 3.3], ten attempts, filled with random bytes.
// Source: Zhong et al. 2017 (arXiv:1708.04896), RE-R; ranges and attempts as in torchvision.
void erase(const Dataset& data, Random& random, uint8_t* image) {
  constexpr int kAttempts = 10;
  const auto area = static_cast<double>(data.height * data.width);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const double wanted = area * (0.02 + (0.33 - 0.02) * random.uniform());
    const double shape = std::exp(std::log(0.3) + (std::log(3.3) - std::log(0.3)) * random.uniform());
    const auto height = static_cast<int64_t>(std::nearbyint(std::sqrt(wanted * shape)));
    const auto width = static_cast<int64_t>(std::nearbyint(std::sqrt(wanted / shape)));
    if (height < 1 || height >= data.height || width < 1 || width >= data.width) continue;
    const int64_t top = random.below(data.height - height + 1);
    const int64_t left = random.below(data.width - width + 1);
    for (int64_t c = 0; c < data.channels; ++c)
      for (int64_t y = top; y < top + height; ++y)
        for (int64_t x = left; x < left + width; ++x)
          image[(c * data.height + y) * data.width + x] = static_cast<uint8_t>(random.bits() >> 56);
    return;
  }
}

}  // namespace

bool read_for_training(const Dataset& data, int64_t index, const Augmentation& how, Random& random, uint8_t* to) {
  if (how.random_resized_crop == 0.0) return data.read(index, to);
  return data.reader->read_box(
      index,
      [&](int64_t height, int64_t width) { return random_resized_box(height, width, how.random_resized_crop, random); },
      to);
}

void augment(const Dataset& data, const uint8_t* from, const Augmentation& how, Random& random, uint8_t* to) {
  shift_and_flip(data, from, how, random, to);
  const bool jitters = how.colour_jitter > 0.0 || how.hue_jitter > 0.0;
  if (how.auto_augment != "none" || how.rand_augment_n > 0 || jitters) {
    Image image = from_planes(to, data.channels, data.height, data.width);
    auto_augment(image, how.auto_augment, random);
    rand_augment(image, how.rand_augment_n, how.rand_augment_m, random);
    if (jitters) jitter(image, how, random);
    to_planes(image, to);
  }
  if (how.cutout > 0) cut_out(data, how.cutout, random, to);
  if (how.random_erasing > 0.0 && random.uniform() < how.random_erasing) erase(data, random, to);
}

}  // namespace carat
