// SPDX-License-Identifier: Apache-2.0
#include "data/batch.h"

#include <cstring>
#include <numeric>

#include "base/parallel.h"

namespace carat {

Batch gather(const Dataset& data, std::span<const int64_t> indices) {
  const auto count = static_cast<int64_t>(indices.size());
  const auto bytes = static_cast<size_t>(data.image_bytes());
  Batch batch;
  batch.pixels.resize(indices.size() * bytes);
  std::vector<uint8_t> is_there(indices.size());
  parallel_ranges(count, data.reader->is_in_memory() ? 1 : default_threads(), [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i)
      is_there[i] = data.read(indices[i], batch.pixels.data() + i * bytes) ? 1 : 0;
  });
  for (size_t i = 0; i < indices.size(); ++i) {
    if (is_there[i] == 0) continue;
    if (batch.indices.size() < i)
      std::memcpy(batch.pixels.data() + batch.indices.size() * bytes, batch.pixels.data() + i * bytes, bytes);
    batch.indices.push_back(indices[i]);
    batch.labels.push_back(data.labels[static_cast<size_t>(indices[i])]);
  }
  batch.size = static_cast<int64_t>(batch.indices.size());
  batch.pixels.resize(batch.indices.size() * bytes);
  return batch;
}

Batch gather(const Dataset& data, int64_t begin, int64_t end) {
  std::vector<int64_t> indices(static_cast<size_t>(end - begin));
  std::iota(indices.begin(), indices.end(), begin);
  return gather(data, indices);
}

}  // namespace carat
