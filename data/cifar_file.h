// SPDX-License-Identifier: Apache-2.0
// CIFAR-10 and CIFAR-100 binary files: records of label bytes, then 3072 pixels (R, G, B planes of 32x32).
// Source: https://www.cs.toronto.edu/~kriz/cifar.html.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace carat {

struct CifarFile {
  std::vector<uint8_t> pixels;  // {N, 3, 32, 32}
  std::vector<int32_t> labels;
};

// limits: one per label byte of a record, its labels lie below it; the last byte is the label that counts. Appends to
// `to`. Throws Error when the file is not of `count` records or a label is too large.
void parse_cifar(std::span<const uint8_t> file, const std::string& where, int64_t count,
                 const std::vector<int64_t>& limits, CifarFile& to);

}  // namespace carat
