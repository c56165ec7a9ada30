// SPDX-License-Identifier: Apache-2.0
// What every integer of a network can be at worst: the proof that no sum leaves its register.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "models/weights/model.h"

namespace carat {

struct IntegerRange {
  int64_t lowest = 0;
  int64_t highest = 0;

  bool holds(int64_t value) const { return lowest <= value && value <= highest; }
  bool operator==(const IntegerRange&) const = default;
};

// The smallest range that holds both.
IntegerRange united(const IntegerRange& a, const IntegerRange& b);

// Bits of the smallest two's complement register that holds the range.
int64_t signed_bits(const IntegerRange& range);

// Range of a layer's sums of products, every partial sum in any order included: for inputs in [a, b] (0 inside) the
// highest is the largest over kernels of sum over w > 0 of w * b + sum over w < 0 of w * a, the lowest alike.
// weights: codes {K, ...}.
IntegerRange sum_range(const Buffer& weights, const IntegerRange& input);

// By layer, for every layer whose result holds integers (models/graph/codes.h): codes by their grid, tables by their
// entries, sums by sum_range, integer Scale layers by their numbers.
// Throws Error naming the layer when sums may leave 32 bits, when an integer Scale layer reads or gives more than the
// 24 bits and a sign that float32 values between layers hold, or when its exact product and sum leave the width that it
// is charged at.
std::map<std::string, IntegerRange> integer_ranges(const Model& model);

}  // namespace carat
