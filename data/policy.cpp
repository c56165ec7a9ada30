// SPDX-License-Identifier: Apache-2.0
#include "data/policy.h"

#include <algorithm>
#include <cmath>

#include "base/fail.h"
#include "data/affine.h"
#include "data/colour_ops.h"
#include "data/point_ops.h"

namespace carat {
namespace {

struct Step {
  Change change;
  double probability;
  int64_t level;  // of ten
};

struct SubPolicy {
  Step first;
  Step second;
};

constexpr SubPolicy kImagenet[] = {
    {{Change::posterize, 0.4, 8}, {Change::rotate, 0.6, 9}},
    {{Change::solarize, 0.6, 5}, {Change::autocontrast, 0.6, 0}},
    {{Change::equalize, 0.8, 0}, {Change::equalize, 0.6, 0}},
    {{Change::posterize, 0.6, 7}, {Change::posterize, 0.6, 6}},
    {{Change::equalize, 0.4, 0}, {Change::solarize, 0.2, 4}},
    {{Change::equalize, 0.4, 0}, {Change::rotate, 0.8, 8}},
    {{Change::solarize, 0.6, 3}, {Change::equalize, 0.6, 0}},
    {{Change::posterize, 0.8, 5}, {Change::equalize, 1.0, 0}},
    {{Change::rotate, 0.2, 3}, {Change::solarize, 0.6, 8}},
    {{Change::equalize, 0.6, 0}, {Change::posterize, 0.4, 6}},
    {{Change::rotate, 0.8, 8}, {Change::colour, 0.4, 0}},
    {{Change::rotate, 0.4, 9}, {Change::equalize, 0.6, 0}},
    {{Change::equalize, 0.0, 0}, {Change::equalize, 0.8, 0}},
    {{Change::invert, 0.6, 0}, {Change::equalize, 1.0, 0}},
    {{Change::colour, 0.6, 4}, {Change::contrast, 1.0, 8}},
    {{Change::rotate, 0.8, 8}, {Change::colour, 1.0, 2}},
    {{Change::colour, 0.8, 8}, {Change::solarize, 0.8, 7}},
    {{Change::sharpness, 0.4, 7}, {Change::invert, 0.6, 0}},
    {{Change::shear_x, 0.6, 5}, {Change::equalize, 1.0, 0}},
    {{Change::colour, 0.4, 0}, {Change::equalize, 0.6, 0}},
    {{Change::equalize, 0.4, 0}, {Change::solarize, 0.2, 4}},
    {{Change::solarize, 0.6, 5}, {Change::autocontrast, 0.6, 0}},
    {{Change::invert, 0.6, 0}, {Change::equalize, 1.0, 0}},
    {{Change::colour, 0.6, 4}, {Change::contrast, 1.0, 8}},
    {{Change::equalize, 0.8, 0}, {Change::equalize, 0.6, 0}},
};

constexpr SubPolicy kCifar10[] = {
    {{Change::invert, 0.1, 0}, {Change::contrast, 0.2, 6}},
    {{Change::rotate, 0.7, 2}, {Change::translate_x, 0.3, 9}},
    {{Change::sharpness, 0.8, 1}, {Change::sharpness, 0.9, 3}},
    {{Change::shear_y, 0.5, 8}, {Change::translate_y, 0.7, 9}},
    {{Change::autocontrast, 0.5, 0}, {Change::equalize, 0.9, 0}},
    {{Change::shear_y, 0.2, 7}, {Change::posterize, 0.3, 7}},
    {{Change::colour, 0.4, 3}, {Change::brightness, 0.6, 7}},
    {{Change::sharpness, 0.3, 9}, {Change::brightness, 0.7, 9}},
    {{Change::equalize, 0.6, 0}, {Change::equalize, 0.5, 0}},
    {{Change::contrast, 0.6, 7}, {Change::sharpness, 0.6, 5}},
    {{Change::colour, 0.7, 7}, {Change::translate_x, 0.5, 8}},
    {{Change::equalize, 0.3, 0}, {Change::autocontrast, 0.4, 0}},
    {{Change::translate_y, 0.4, 3}, {Change::sharpness, 0.2, 6}},
    {{Change::brightness, 0.9, 6}, {Change::colour, 0.2, 8}},
    {{Change::solarize, 0.5, 2}, {Change::invert, 0.0, 0}},
    {{Change::equalize, 0.2, 0}, {Change::autocontrast, 0.6, 0}},
    {{Change::equalize, 0.2, 0}, {Change::equalize, 0.6, 0}},
    {{Change::colour, 0.9, 9}, {Change::equalize, 0.6, 0}},
    {{Change::autocontrast, 0.8, 0}, {Change::solarize, 0.2, 8}},
    {{Change::brightness, 0.1, 3}, {Change::colour, 0.7, 0}},
    {{Change::solarize, 0.4, 5}, {Change::autocontrast, 0.9, 0}},
    {{Change::translate_y, 0.9, 9}, {Change::translate_y, 0.7, 9}},
    {{Change::autocontrast, 0.9, 0}, {Change::solarize, 0.8, 3}},
    {{Change::equalize, 0.8, 0}, {Change::invert, 0.1, 0}},
    {{Change::translate_y, 0.7, 9}, {Change::autocontrast, 0.9, 0}},
};

// Value i of n equidistant ones, as torch.linspace computes it in float32.
double spaced(float first, float last, int64_t i, int64_t n) {
  const float step = (last - first) / static_cast<float>(n - 1);
  const float value = i < n / 2 ? first + step * static_cast<float>(i) : last - step * static_cast<float>(n - i - 1);
  return static_cast<double>(value);
}

void apply_signed(Image& image, Change change, int64_t level, int64_t levels, bool negative) {
  const double magnitude = magnitude_of(change, level, levels, image);
  apply_change(image, change, negative && is_signed(change) ? -magnitude : magnitude);
}

}  // namespace

double magnitude_of(Change change, int64_t level, int64_t levels, const Image& image) {
  const auto share_of = [](int64_t side) { return static_cast<float>(150.0 / 331.0 * static_cast<double>(side)); };
  switch (change) {
    case Change::shear_x:
    case Change::shear_y:
      return spaced(0.0F, 0.3F, level, levels);
    case Change::translate_x:
      return spaced(0.0F, share_of(image.width), level, levels);
    case Change::translate_y:
      return spaced(0.0F, share_of(image.height), level, levels);
    case Change::rotate:
      return spaced(0.0F, 30.0F, level, levels);
    case Change::brightness:
    case Change::colour:
    case Change::contrast:
    case Change::sharpness:
      return spaced(0.0F, 0.9F, level, levels);
    case Change::posterize:
      return 8.0 - std::nearbyint(static_cast<double>(level) / (static_cast<double>(levels - 1) / 4.0));
    case Change::solarize:
      return spaced(255.0F, 0.0F, level, levels);
    case Change::identity:
    case Change::autocontrast:
    case Change::equalize:
    case Change::invert:
      break;
  }
  return 0.0;
}

bool is_signed(Change change) { return change >= Change::shear_x && change <= Change::sharpness; }

void apply_change(Image& image, Change change, double magnitude) {
  switch (change) {
    case Change::identity:
      return;
    case Change::shear_x:
      image = shear_x(image, magnitude);
      return;
    case Change::shear_y:
      image = shear_y(image, magnitude);
      return;
    case Change::translate_x:
      image = translate(image, static_cast<int64_t>(magnitude), 0);
      return;
    case Change::translate_y:
      image = translate(image, 0, static_cast<int64_t>(magnitude));
      return;
    case Change::rotate:
      image = rotate(image, magnitude);
      return;
    case Change::brightness:
      return change_brightness(image, 1.0 + magnitude);
    case Change::colour:
      return change_saturation(image, 1.0 + magnitude);
    case Change::contrast:
      return change_contrast(image, 1.0 + magnitude);
    case Change::sharpness:
      return change_sharpness(image, 1.0 + magnitude);
    case Change::posterize:
      return posterize(image, static_cast<int64_t>(magnitude));
    case Change::solarize:
      return solarize(image, magnitude);
    case Change::autocontrast:
      return autocontrast(image);
    case Change::equalize:
      return equalize(image);
    case Change::invert:
      return invert(image);
  }
}

const std::vector<std::string>& auto_augment_names() {
  static const std::vector<std::string> names = {"none", "cifar10", "imagenet"};
  return names;
}

void auto_augment(Image& image, const std::string& policy, Random& random) {
  if (policy == "none") return;
  require(policy == "cifar10" || policy == "imagenet", "auto_augment: expected none, cifar10 or imagenet, got {}",
          policy);
  const SubPolicy& chosen = (policy == "cifar10" ? kCifar10 : kImagenet)[random.below(25)];
  for (const Step& step : {chosen.first, chosen.second}) {
    const bool applies = random.uniform() < step.probability;
    const bool negative = random.below(2) == 1;
    constexpr int64_t kLevels = 10;
    if (applies) apply_signed(image, step.change, step.level, kLevels, negative);
  }
}

void rand_augment(Image& image, int64_t count, int64_t magnitude, Random& random) {
  constexpr int64_t kLevels = 31;
  constexpr auto kChanges = static_cast<int64_t>(Change::invert);
  for (int64_t i = 0; i < count; ++i) {
    const auto change = static_cast<Change>(random.below(kChanges));
    apply_signed(image, change, magnitude, kLevels, random.below(2) == 1);
  }
}

}  // namespace carat
