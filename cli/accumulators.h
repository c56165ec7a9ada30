// SPDX-License-Identifier: Apache-2.0
// The proof that the sums of a layer fit their register, as text, for carat explain.
#pragma once

#include <string>

#include "data/dataset.h"
#include "models/weights/model.h"

namespace carat {

// Where a layer's sums were observed. No name: not observed.
struct Observation {
  DataSource data;
  int64_t limit = 100;
};

// Of a layer that multiplies codes by codes: the operands, every level of the adder tree of its largest kernel, the
// exact worst case from the real weights, and the extremes that images gave. "" for any other layer. Throws Error for
// an unknown layer, or when integers leave their register.
std::string accumulator_text(const Model& model, const std::string& layer, const Observation& observation);

}  // namespace carat
