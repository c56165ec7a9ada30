// SPDX-License-Identifier: Apache-2.0
#include "data/random_crop.h"

#include <algorithm>
#include <cmath>

namespace carat {

Box random_resized_box(int64_t height, int64_t width, double smallest, Random& random) {
  constexpr double kNarrowest = 3.0 / 4.0;
  constexpr double kWidest = 4.0 / 3.0;
  constexpr int kAttempts = 10;
  const auto rows = static_cast<double>(height);
  const auto columns = static_cast<double>(width);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const double area = rows * columns * (smallest + (1.0 - smallest) * random.uniform());
    const double shape = std::exp(std::log(kNarrowest) + (std::log(kWidest) - std::log(kNarrowest)) * random.uniform());
    const auto box_width = static_cast<int64_t>(std::nearbyint(std::sqrt(area * shape)));
    const auto box_height = static_cast<int64_t>(std::nearbyint(std::sqrt(area / shape)));
    if (box_width < 1 || box_width > width || box_height < 1 || box_height > height) continue;
    const int64_t top = random.below(height - box_height + 1);
    return {top, random.below(width - box_width + 1), box_height, box_width};
  }
  Box box{0, 0, height, width};
  const double shape = columns / rows;
  if (shape < kNarrowest) box.height = std::max<int64_t>(1, std::llrint(columns / kNarrowest));
  if (shape > kWidest) box.width = std::max<int64_t>(1, std::llrint(rows * kWidest));
  box.top = (height - box.height) / 2;
  box.left = (width - box.width) / 2;
  return box;
}

}  // namespace carat
