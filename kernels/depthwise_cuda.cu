// SPDX-License-Identifier: Apache-2.0
#include "kernels/scalar/depthwise.h"
#include "kernels/sums_cuda.h"

namespace carat {
namespace {

constexpr int kMostThreads = 1024;

// A block for every chunk; parts {kernel * kernel, channels, chunks}. Taps go through shared memory one by one.
template <int kSide>
__global__ void __launch_bounds__(kMostThreads) weight_chunks(scalar::DepthwiseExtents at, scalar::DepthwiseWalk walk,
                                                              const float* x, const float* dy, double* parts) {
  __shared__ double own[kMostThreads];
  const auto thread = static_cast<int>(threadIdx.x);
  const scalar::DepthwiseTaps<kSide> taps = scalar::depthwise_thread<kSide>(at, walk, x, dy, blockIdx.x, thread);
  CARAT_UNROLL
  for (int tap = 0; tap < kSide * kSide; ++tap) {
    own[thread] = static_cast<double>(taps.sum[tap]);
    __syncthreads();
    if (thread < walk.channels) {
      double sum = 0.0;
      for (int64_t lane = 0; lane < walk.lanes; ++lane) sum = scalar::add(sum, own[lane * walk.channels + thread]);
      parts[(tap * walk.channels + thread) * walk.chunks + blockIdx.x] = sum;
    }
    __syncthreads();
  }
}

struct FinishWeight {
  float* dw;
  CARAT_SHARED void operator()(int64_t which, double sum) const { dw[which] = static_cast<float>(sum); }
};

}  // namespace

void depthwise_forward_cuda(const DepthwiseBatch& batch, const float* x, const float* weights, float* y, void* stream) {
  const scalar::DepthwiseExtents at = scalar::depthwise_extents(batch);
  const DepthwiseShape& s = batch.shape;
  scalar::with_side(s.kernel, [&](auto side) {
    launch_elements("depthwise", scalar::DepthwiseOutput<side.value>{at, x, weights, y},
                    batch.images * s.out_height * s.out_width * s.channels, stream);
  });
}

void depthwise_input_gradient_cuda(const DepthwiseBatch& batch, const float* dy, const float* weights, float* dx,
                                   void* stream) {
  const scalar::DepthwiseExtents at = scalar::depthwise_extents(batch);
  const DepthwiseShape& s = batch.shape;
  const int64_t n = batch.images * s.in_height * s.in_width * s.channels;
  scalar::with_side(s.kernel, [&](auto side) {
    constexpr int kSide = side.value;
    if (s.stride == 1)
      launch_elements("depthwise", scalar::DepthwiseInputGradient<kSide, 1>{at, dy, weights, dx}, n, stream);
    else if (s.stride == 2)
      launch_elements("depthwise", scalar::DepthwiseInputGradient<kSide, 2>{at, dy, weights, dx}, n, stream);
    else
      launch_elements("depthwise", scalar::DepthwiseInputGradient<kSide, 0>{at, dy, weights, dx}, n, stream);
  });
}

void depthwise_weight_gradients_cuda(const DepthwiseBatch& batch, const float* x, const float* dy, float* dw,
                                     void* workspace, void* stream) {
  const scalar::DepthwiseExtents at = scalar::depthwise_extents(batch);
  const scalar::DepthwiseWalk walk = scalar::depthwise_walk(batch);
  auto* parts = static_cast<double*>(workspace);
  scalar::with_side(batch.shape.kernel, [&](auto side) {
    launch({"depthwise", walk.chunks, walk.threads(), stream}, weight_chunks<side.value>, at, walk, x, dy, parts);
  });
  launch_rows("depthwise", static_cast<const double*>(parts), batch.shape.kernel * batch.shape.kernel * walk.channels,
              walk.chunks, FinishWeight{dw}, stream);
}

}  // namespace carat
