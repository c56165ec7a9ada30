// SPDX-License-Identifier: Apache-2.0
#include "data/mix.h"

#include <algorithm>
#include <cmath>

namespace carat {
namespace {

// Gamma(alpha, 1); for alpha < 1 by Gamma(alpha + 1) * uniform^(1 / alpha).
double gamma(double alpha, Random& random) {
  if (alpha < 1.0) {
    const double power = std::pow(1.0 - random.uniform(), 1.0 / alpha);
    return gamma(alpha + 1.0, random) * power;
  }
  const double d = alpha - 1.0 / 3.0;
  const double c = 1.0 / std::sqrt(9.0 * d);
  while (true) {
    const double x = random.normal();
    const double v = std::pow(1.0 + c * x, 3.0);
    const double u = 1.0 - random.uniform();
    if (v > 0.0 && std::log(u) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
  }
}

double mix_up(const std::vector<uint8_t>& others, double share, Batch& batch) {
  for (size_t i = 0; i < others.size(); ++i)
    batch.pixels[i] = static_cast<uint8_t>(share * batch.pixels[i] + (1.0 - share) * others[i] + 0.5);
  return share;
}

double cut_mix(const Dataset& data, const std::vector<uint8_t>& others, double share, Random& random, Batch& batch) {
  const auto half = [&](int64_t side) {
    return static_cast<int64_t>(0.5 * std::sqrt(1.0 - share) * static_cast<double>(side));
  };
  const int64_t row = random.below(data.height);
  const int64_t column = random.below(data.width);
  const int64_t top = std::max<int64_t>(0, row - half(data.height));
  const int64_t bottom = std::min(data.height, row + half(data.height));
  const int64_t left = std::max<int64_t>(0, column - half(data.width));
  const int64_t right = std::min(data.width, column + half(data.width));
  for (int64_t plane = 0; plane < batch.size * data.channels; ++plane)
    for (int64_t y = top; y < bottom; ++y) {
      const int64_t at = (plane * data.height + y) * data.width;
      std::copy(others.begin() + at + left, others.begin() + at + right, batch.pixels.begin() + at + left);
    }
  return 1.0 - static_cast<double>((bottom - top) * (right - left)) / static_cast<double>(data.height * data.width);
}

}  // namespace

double symmetric_beta(double alpha, Random& random) {
  const double a = gamma(alpha, random);
  const double b = gamma(alpha, random);
  return a + b > 0.0 ? a / (a + b) : 0.5;
}

void mix(const Dataset& data, const Mixing& how, Random& random, Batch& batch) {
  if (how.mixup == 0.0 && how.cutmix == 0.0) return;
  if (how.probability < 1.0 && random.uniform() >= how.probability) {
    batch.other_labels = batch.labels;
    batch.shares.assign(static_cast<size_t>(batch.size), 1.0F);
    return;
  }
  const bool both = how.mixup > 0.0 && how.cutmix > 0.0;
  const bool cuts = both ? random.below(2) == 1 : how.cutmix > 0.0;
  const double drawn = symmetric_beta(cuts ? how.cutmix : how.mixup, random);
  std::vector<uint8_t> others = batch.pixels;
  std::rotate(others.begin(), others.end() - static_cast<std::ptrdiff_t>(data.image_bytes()), others.end());
  batch.other_labels = batch.labels;
  std::rotate(batch.other_labels.begin(), batch.other_labels.end() - 1, batch.other_labels.end());
  const double share = cuts ? cut_mix(data, others, drawn, random, batch) : mix_up(others, drawn, batch);
  batch.shares.assign(static_cast<size_t>(batch.size), static_cast<float>(share));
}

}  // namespace carat
