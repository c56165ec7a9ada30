// SPDX-License-Identifier: Apache-2.0
// Ten smooth patterns with noise: a data set that needs no file, for tests.
#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "data/dataset.h"

namespace carat {

Dataset make_synthetic(const DatasetInfo& info, const DataSource&, Split split, const ImageFormat&) {
  const int64_t count = split == Split::train ? info.train_size : info.test_size;
  Dataset data;
  std::vector<uint8_t> pixels;
  for (int64_t i = 0; i < count; ++i) {
    Random random({7, "synthetic", split == Split::train ? "train" : "test", i});
    const int64_t label = random.below(info.classes);
    const double angle = 0.3141592653589793 * static_cast<double>(label);
    const double frequency = 0.5 + 0.25 * static_cast<double>(label % 3);
    const double phase = 0.8 * random.uniform();
    for (int64_t y = 0; y < info.height; ++y) {
      for (int64_t x = 0; x < info.width; ++x) {
        const double along = std::cos(angle) * static_cast<double>(x) + std::sin(angle) * static_cast<double>(y);
        const double value = 128 + 80 * std::sin(frequency * along + phase) + 25 * random.normal();
        pixels.push_back(static_cast<uint8_t>(std::clamp(value, 0.0, 255.0)));
      }
    }
    data.labels.push_back(static_cast<int32_t>(label));
  }
  data.reader = reader_in_memory(std::move(pixels), info.channels, info.height, info.width);
  return data;
}

}  // namespace carat
