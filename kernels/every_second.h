// SPDX-License-Identifier: Apache-2.0
// Every second value of the rows of an image, SIMD: what a convolution of stride 2 reads side by side.
#pragma once

#include <cstdint>

namespace carat {

// to[i * to_row + j] = from[i * from_row + 2 * j], i in [0, rows), j in [0, n). Row by row, each with zeros behind it
// to the end of its last vector; reads and writes at most kSumSlack elements (sparse_sums.h) beyond the last row.
void every_second(const float* from, int64_t from_row, int64_t rows, int64_t n, float* to, int64_t to_row);
void every_second(const uint8_t* from, int64_t from_row, int64_t rows, int64_t n, uint8_t* to, int64_t to_row);
void every_second(const int16_t* from, int64_t from_row, int64_t rows, int64_t n, int16_t* to, int64_t to_row);

}  // namespace carat
