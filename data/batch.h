// SPDX-License-Identifier: Apache-2.0
// Images and their labels, ready for a network.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/dataset.h"

namespace carat {

struct Batch {
  std::vector<uint8_t> pixels;  // {size, C, H, W}
  std::vector<int64_t> labels;
  std::vector<int64_t> indices;  // in the data set, of every image in the batch
  // Of mixed images: the label of what was mixed in, and the share of the image itself. Empty: not mixed.
  std::vector<int64_t> other_labels;
  std::vector<float> shares;
  int64_t size = 0;
};

// Evaluation pixels in the given order, decoded on several threads. Unreadable images that are to be skipped are left
// out: size and indices say which are there.
Batch gather(const Dataset& data, std::span<const int64_t> indices);
// Of images [begin, end).
Batch gather(const Dataset& data, int64_t begin, int64_t end);

}  // namespace carat
