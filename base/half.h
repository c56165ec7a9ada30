// SPDX-License-Identifier: Apache-2.0
// IEEE 754 binary16 as bits: the storage format of Scale layers in fp16 arithmetic.
#pragma once

#include <cstdint>

namespace carat {

// Rounds to nearest, ties to even; overflow gives infinity, subnormals are kept.
uint16_t to_half(float value);
float from_half(uint16_t bits);

// The float32 nearest to value that fp16 can hold.
inline float round_to_half(float value) { return from_half(to_half(value)); }

}  // namespace carat
