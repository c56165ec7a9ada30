// SPDX-License-Identifier: Apache-2.0
// What must be exact in a network on codes, and what is by itself.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "models/weights/integer_range.h"

namespace carat {

// float32 holds every integer up to here: sums below it are exact in any order.
constexpr int64_t kExactFloatIntegers = int64_t{1} << 24;

inline bool is_exact(const IntegerRange& range) {
  return -kExactFloatIntegers <= range.lowest && range.highest <= kExactFloatIntegers;
}

struct ValueFacts {
  std::optional<IntegerRange> whole;  // every value is an integer, and so are all partial sums; nothing: real numbers
  bool decides_codes = false;         // a quantizer reads it, at once or through other layers
};

// By layer. Throws Error naming the layer when sums of codes may reach beyond 2^24.
std::vector<ValueFacts> value_facts(const Model& model);

}  // namespace carat
