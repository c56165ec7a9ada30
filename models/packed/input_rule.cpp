// SPDX-License-Identifier: Apache-2.0
#include "models/packed/input_rule.h"

#include <algorithm>

#include "base/half.h"
#include "models/graph/codes.h"

namespace carat {

void input_values(const ModelGraph& graph, const uint8_t* image, float* values) {
  const Shape& shape = graph.input().input_shape;
  std::copy(image, image + shape.elements(), values);
  if (input_is_codes(graph)) return;
  for (int64_t i = 0; i < shape.elements(); ++i) values[i] /= 255.0F;
  if (!input_is_normalized(graph)) return;
  const Preprocessing& how = *graph.input().preprocessing;
  for (int64_t c = 0; c < shape.channels; ++c) {
    const auto mean = static_cast<float>(how.mean[static_cast<size_t>(c)]);
    const auto deviation = static_cast<float>(how.deviation[static_cast<size_t>(c)]);
    float* plane = values + c * shape.height * shape.width;
    for (int64_t i = 0; i < shape.height * shape.width; ++i) plane[i] = (plane[i] - mean) / deviation;
    if (graph.input().arithmetic == Arithmetic::float32) continue;
    for (int64_t i = 0; i < shape.height * shape.width; ++i) plane[i] = round_to_half(plane[i]);
  }
}

}  // namespace carat
