// SPDX-License-Identifier: Apache-2.0
#include "pipeline/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "models/net/network.h"
#include "models/packed/fast_executor.h"
#include "stages/evaluate.h"

namespace carat {

Verification verify(const PackedModel& packed, const Model& trained, const Dataset& images, int64_t threads,
                    const std::function<void(int64_t, int64_t)>& progress) {
  constexpr int64_t kBatch = 250;
  const FastExecutor executor(packed);
  Network network(trained, at::kCPU);
  const int64_t classes = trained.graph.classes();
  Verification result;
  for (int64_t begin = 0; begin < images.size(); begin += kBatch) {
    const int64_t end = std::min(begin + kBatch, images.size());
    const Batch batch = gather(images, begin, end);
    std::vector<float> integer(static_cast<size_t>(batch.size * classes));
    executor.run(batch.pixels.data(), batch.size, integer.data(), threads);
    const std::vector<float> reference = logits_of(network, images, batch, Mode::exact);
    result.images += batch.size;
    for (int64_t i = 0; i < batch.size; ++i) {
      const float* a = integer.data() + i * classes;
      const float* b = reference.data() + i * classes;
      if (std::max_element(a, a + classes) - a == batch.labels[static_cast<size_t>(i)]) ++result.correct;
      const float* differing = std::mismatch(a, a + classes, b).first;
      if (differing == a + classes) continue;
      ++result.differences;
      if (result.first_difference.empty())
        result.first_difference =
            fmt::format("image {}, class {}: {} packed, {} trained", batch.indices[static_cast<size_t>(i)],
                        differing - a, *differing, b[differing - a]);
    }
    progress(end, images.size());
  }
  return result;
}

}  // namespace carat
