// SPDX-License-Identifier: Apache-2.0
// Which weights a list says are kept, how they are stored, and the operand that they are in a multiply.
#pragma once

#include <vector>

#include "scoring/oplist.h"

namespace carat {

struct KeptWeights {
  std::vector<int64_t> per_kernel;  // executed; empty when fractional
  bool is_fractional = false;
  Ratio products;            // per kernel, fractional
  StoredTensor tensor;       // values, width and mask
  int64_t factor_bits = 32;  // of the multiply's operand
  bool is_sign = false;      // weights in {-1, +1}
};

// Reads the weight fields for kernels x length weights. Refuses what does not fit, with its place.
KeptWeights read_weights(const Fields& fields, int64_t kernels, int64_t length);
// Values, mask and codebooks, unless they are tied.
void store_weights(const Fields& fields, WalkBuilder& builder, const KeptWeights& weights);
// Open interpretation 6: a sum that was spread evenly.
void note_spreading(const Fields& fields, WalkBuilder& builder, const KeptWeights& weights);

}  // namespace carat
