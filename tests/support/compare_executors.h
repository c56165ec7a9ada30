// SPDX-License-Identifier: Apache-2.0
// An executor of packed models against the reference, value by value.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "base/random.h"
#include "models/packed/reference_executor.h"

namespace carat {

inline std::vector<uint8_t> random_pixels(int64_t count, int64_t seed) {
  Random random({seed, "test", "pixels", 0});
  std::vector<uint8_t> pixels(static_cast<size_t>(count));
  for (uint8_t& pixel : pixels) pixel = static_cast<uint8_t>(random.below(256));
  return pixels;
}

// On one random image; returns the values that were compared.
template <typename Executor>
int64_t compare_with_reference(const PackedModel& packed, int64_t seed) {
  const ReferenceExecutor reference(packed);
  const Executor executor(packed);
  const std::vector<uint8_t> image = random_pixels(packed.graph.input().input_shape.elements(), seed);
  std::map<size_t, std::vector<float>> values;
  std::vector<float> expected(static_cast<size_t>(packed.graph.classes()));
  std::vector<float> got(expected.size());
  int64_t compared = 0;
  reference.run_observed(image.data(), expected.data(),
                         [&](size_t layer, const std::vector<float>& v) { values[layer] = v; });
  executor.run_observed(image.data(), got.data(), [&](size_t layer, const std::vector<float>& v) {
    EXPECT_EQ(v, values.at(layer)) << "seed " << seed << ", layer " << packed.graph.layers()[layer].name;
    compared += static_cast<int64_t>(v.size());
  });
  EXPECT_EQ(got, expected) << "seed " << seed;
  return compared;
}

}  // namespace carat
