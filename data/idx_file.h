// SPDX-License-Identifier: Apache-2.0
// IDX files of bytes (LeCun et al.): magic 00 00 08 D, D extents of four bytes, big-endian, then the values. Plain or
// in gzip. Source: https://yann.lecun.com/exdb/mnist.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace carat {

struct IdxFile {
  std::vector<int64_t> extents;
  std::vector<uint8_t> values;
};

// expected: the extents; -1 where any will do. Allocates in proportion to the file. Throws Error "where: expected ...,
// got ..." for other content, a damaged or truncated file, other extents, or more or fewer values than they say.
IdxFile parse_idx(std::span<const uint8_t> file, const std::string& where, const std::vector<int64_t>& expected);

}  // namespace carat
