// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "base/fail.h"
#include "kernels/scalar/batch_norm.h"

namespace carat {
namespace {

using scalar::NormSums;
using scalar::NormWalk;

// Sums of every channel, in the order of scalar/batch_norm.h.
template <typename Terms, typename Finish>
void sum_channels(const Terms& terms, const NormWalk& walk, NormSums* parts, const Finish& finish) {
  std::vector<NormSums> own(static_cast<size_t>(walk.threads()));
  for (int64_t chunk = 0; chunk < walk.chunks; ++chunk) {
    for (int thread = 0; thread < walk.threads(); ++thread)
      own[static_cast<size_t>(thread)] = scalar::norm_thread(terms, walk, chunk, thread);
    for (int64_t c = 0; c < walk.channels; ++c) {
      NormSums sums = own[static_cast<size_t>(c)];
      for (int64_t lane = 1; lane < walk.lanes; ++lane)
        sums = scalar::plus(sums, own[static_cast<size_t>(lane * walk.channels + c)]);
      parts[c * walk.chunks + chunk] = sums;
    }
  }
  for (int64_t c = 0; c < walk.channels; ++c) finish(c, scalar::sum_in_order(parts + c * walk.chunks, walk.chunks));
}

}  // namespace

bool fits_batch_norm(const NormShape& shape) {
  return shape.channels >= 1 && shape.channels <= scalar::kNormMostChannels && shape.pixels >= 1 &&
         shape.pixels * shape.channels < int64_t{1} << 31;
}

void scalar::check_norm(const NormShape& shape) {
  require(fits_batch_norm(shape), "batch_norm: expected 1 to {} channels and fewer than 2^31 values, got {} x {}",
          kNormMostChannels, shape.pixels, shape.channels);
}

// The chunks' sums, and what the gradients need per channel.
int64_t norm_workspace(const NormShape& shape) {
  const NormWalk walk = scalar::walk_of(shape);
  return walk.channels * walk.chunks * static_cast<int64_t>(sizeof(NormSums)) +
         2 * walk.channels * static_cast<int64_t>(sizeof(float));
}

void batch_norm_forward(const NormForward& norm, const NormShape& shape, void* workspace) {
  scalar::check_norm(shape);
  const NormWalk walk = scalar::walk_of(shape);
  sum_channels(scalar::NormMoments{norm.x}, walk, static_cast<NormSums*>(workspace),
               [&](int64_t c, const NormSums& sums) { scalar::finish_forward(norm, walk, c, sums); });
  const scalar::NormLine line = scalar::line_at(norm.line, walk.channels);
  scalar::run_on_cpu(
      scalar::NormApply{norm.x, line.factor, line.offset, scalar::divisor_of(walk.channels), norm.act, norm.y},
      shape.pixels * shape.channels);
}

void batch_norm_backward(const NormBackward& norm, const NormShape& shape, void* workspace) {
  scalar::check_norm(shape);
  const NormWalk walk = scalar::walk_of(shape);
  auto* parts = static_cast<NormSums*>(workspace);
  auto* slopes = reinterpret_cast<float*>(parts + walk.channels * walk.chunks);
  const scalar::NormGradients terms = {norm.x, norm.dy, scalar::line_at(norm.line, walk.channels), norm.act};
  sum_channels(terms, walk, parts,
               [&](int64_t c, const NormSums& sums) { scalar::finish_backward(norm, walk, c, sums, slopes); });
  scalar::run_on_cpu(scalar::NormApplyGradient{terms, slopes, scalar::divisor_of(walk.channels), norm.dx},
                     shape.pixels * shape.channels);
}

}  // namespace carat
