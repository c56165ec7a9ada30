// SPDX-License-Identifier: Apache-2.0
#include "kernels/scalar/batch_norm.h"
#include "kernels/sums_cuda.h"

namespace carat {
namespace {

using scalar::NormSums;
using scalar::NormWalk;

// A block for every chunk; parts {channels, chunks}.
template <typename Terms>
__global__ void __launch_bounds__(scalar::kNormMostChannels) norm_chunks(Terms terms, NormWalk walk, NormSums* parts) {
  __shared__ NormSums own[scalar::kNormMostChannels];
  const auto thread = static_cast<int>(threadIdx.x);
  own[thread] = scalar::norm_thread(terms, walk, blockIdx.x, thread);
  __syncthreads();
  if (thread >= walk.channels) return;
  NormSums sums = own[thread];
  for (int64_t lane = 1; lane < walk.lanes; ++lane) sums = scalar::plus(sums, own[lane * walk.channels + thread]);
  parts[thread * walk.chunks + blockIdx.x] = sums;
}

struct FinishForward {
  NormForward norm;
  NormWalk walk;
  CARAT_SHARED void operator()(int64_t c, const NormSums& sums) const { scalar::finish_forward(norm, walk, c, sums); }
};

struct FinishBackward {
  NormBackward norm;
  NormWalk walk;
  float* slopes;
  CARAT_SHARED void operator()(int64_t c, const NormSums& sums) const {
    scalar::finish_backward(norm, walk, c, sums, slopes);
  }
};

template <typename Terms, typename Finish>
void sum_channels(const Terms& terms, const Finish& finish, const NormWalk& walk, NormSums* parts, void* stream) {
  launch({"batch_norm", walk.chunks, walk.threads(), stream}, norm_chunks<Terms>, terms, walk, parts);
  launch_rows("batch_norm", static_cast<const NormSums*>(parts), walk.channels, walk.chunks, finish, stream);
}

}  // namespace

void batch_norm_forward_cuda(const NormForward& norm, const NormShape& shape, void* workspace, void* stream) {
  scalar::check_norm(shape);
  const NormWalk walk = scalar::walk_of(shape);
  sum_channels(scalar::NormMoments{norm.x}, FinishForward{norm, walk}, walk, static_cast<NormSums*>(workspace), stream);
  const scalar::NormLine line = scalar::line_at(norm.line, walk.channels);
  launch_elements(
      "batch_norm",
      scalar::NormApply{norm.x, line.factor, line.offset, scalar::divisor_of(walk.channels), norm.act, norm.y},
      shape.pixels * shape.channels, stream);
}

void batch_norm_backward_cuda(const NormBackward& norm, const NormShape& shape, void* workspace, void* stream) {
  scalar::check_norm(shape);
  const NormWalk walk = scalar::walk_of(shape);
  auto* parts = static_cast<NormSums*>(workspace);
  auto* slopes = reinterpret_cast<float*>(parts + walk.channels * walk.chunks);
  const scalar::NormGradients terms = {norm.x, norm.dy, scalar::line_at(norm.line, walk.channels), norm.act};
  sum_channels(terms, FinishBackward{norm, walk, slopes}, walk, parts, stream);
  launch_elements("batch_norm", scalar::NormApplyGradient{terms, slopes, scalar::divisor_of(walk.channels), norm.dx},
                  shape.pixels * shape.channels, stream);
}

}  // namespace carat
