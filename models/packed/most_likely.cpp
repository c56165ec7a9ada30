// SPDX-License-Identifier: Apache-2.0
#include "models/packed/most_likely.h"

#include <algorithm>

#include "base/fail.h"

namespace carat {

std::vector<int64_t> most_likely(const ModelGraph& graph, std::span<const uint8_t> pixels,
                                 const std::function<void(int64_t, float*)>& run) {
  const auto image = static_cast<size_t>(graph.input().input_shape.elements());
  require(pixels.size() % image == 0, "expected images of {} bytes, got {} bytes", image, pixels.size());
  const auto count = static_cast<int64_t>(pixels.size() / image);
  const int64_t classes = graph.classes();
  std::vector<float> logits(static_cast<size_t>(count * classes));
  run(count, logits.data());
  std::vector<int64_t> predicted;
  for (int64_t i = 0; i < count; ++i) {
    const float* row = logits.data() + i * classes;
    predicted.push_back(std::max_element(row, row + classes) - row);
  }
  return predicted;
}

}  // namespace carat
