// SPDX-License-Identifier: Apache-2.0
// Weights that tools/make_logit_goldens.py makes with numpy, to the last bit.
#pragma once

#include <cmath>
#include <string>

#include "models/weights/model.h"

namespace carat {

// The numbers u of SplitMix64 in [0, 1), 53 bits, started at the FNV-1a hash of a text.
class PatternStream {
 public:
  explicit PatternStream(const std::string& text) {
    for (const char c : text) state_ = (state_ ^ static_cast<uint8_t>(c)) * 0x100000001B3ULL;
  }
  double next() {
    state_ += 0x9E3779B97F4A7C15ULL;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1.0p-53;
  }

 private:
  uint64_t state_ = 0xCBF29CE484222325ULL;
};

// Every buffer is a function of its name. Weights: (2u - 1) * sqrt(5 / fan in); gamma and variance of batch norm:
// 0.5 + u; beta, mean and biases: (2u - 1) / 10. With He's 6 instead of 5 signals grow from block to block until
// float32 and float64 disagree in the third digit; with 4 the images' difference dies out.
inline Model patterned_model(const ModelGraph& graph) {
  Model model;
  model.graph = graph;
  for (const auto& [name, shape] : buffer_shapes(graph)) {
    const size_t dot = name.rfind('.');
    const std::string part = name.substr(dot);
    const bool is_weight = part == ".weight" && has_weights(graph.layer(name.substr(0, dot)));
    const bool is_positive = !is_weight && (part == ".weight" || part == ".running_var");
    int64_t count = 1;
    for (const int64_t extent : shape) count *= extent;
    const double bound = is_weight ? std::sqrt(5.0 / static_cast<double>(count / shape[0])) : 0.1;
    PatternStream stream(name);
    Buffer buffer{shape, std::vector<float>(static_cast<size_t>(count))};
    for (float& value : buffer.values) {
      const double u = stream.next();
      value = static_cast<float>(is_positive ? 0.5 + u : (2.0 * u - 1.0) * bound);
    }
    model.buffers[name] = std::move(buffer);
  }
  return model;
}

}  // namespace carat
