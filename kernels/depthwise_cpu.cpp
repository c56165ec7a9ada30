// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "base/fail.h"
#include "kernels/scalar/depthwise.h"

namespace carat {
namespace {

int64_t inputs_of(const DepthwiseBatch& batch) {
  return batch.images * batch.shape.in_height * batch.shape.in_width * batch.shape.channels;
}

int64_t outputs_of(const DepthwiseBatch& batch) {
  return batch.images * batch.shape.out_height * batch.shape.out_width * batch.shape.channels;
}

}  // namespace

bool fits_depthwise(const DepthwiseShape& shape, int64_t images) {
  const DepthwiseBatch batch = {shape, images};
  constexpr int64_t kMost = int64_t{1} << 31;
  return (shape.kernel == 3 || shape.kernel == 5 || shape.kernel == 7) && shape.channels >= 1 &&
         shape.channels <= 1024 && inputs_of(batch) < kMost && outputs_of(batch) < kMost;
}

scalar::DepthwiseExtents scalar::depthwise_extents(const DepthwiseBatch& batch) {
  const DepthwiseShape& s = batch.shape;
  require(fits_depthwise(s, batch.images),
          "depthwise: expected a side of 3, 5 or 7, up to 1,024 channels and fewer than 2^31 values, got side {}, {} "
          "channels, {} values",
          s.kernel, s.channels, inputs_of(batch));
  const auto narrow = [](int64_t value) { return static_cast<int>(value); };
  return {narrow(s.channels),     narrow(s.in_height),     narrow(s.in_width),      narrow(s.out_height),
          narrow(s.out_width),    narrow(s.stride),        narrow(s.padding),       divisor_of(s.channels),
          divisor_of(s.in_width), divisor_of(s.in_height), divisor_of(s.out_width), divisor_of(s.out_height)};
}

int64_t depthwise_workspace(const DepthwiseShape& shape, int64_t images) {
  const int64_t taps = shape.kernel * shape.kernel;
  return taps * shape.channels * scalar::depthwise_walk({shape, images}).chunks * static_cast<int64_t>(sizeof(double));
}

void depthwise_forward(const DepthwiseBatch& batch, const float* x, const float* weights, float* y) {
  const scalar::DepthwiseExtents at = scalar::depthwise_extents(batch);
  scalar::with_side(batch.shape.kernel, [&](auto side) {
    scalar::run_on_cpu(scalar::DepthwiseOutput<side.value>{at, x, weights, y}, outputs_of(batch));
  });
}

void depthwise_input_gradient(const DepthwiseBatch& batch, const float* dy, const float* weights, float* dx) {
  const scalar::DepthwiseExtents at = scalar::depthwise_extents(batch);
  scalar::with_side(batch.shape.kernel, [&](auto side) {
    scalar::run_on_cpu(scalar::DepthwiseInputGradient<side.value, 0>{at, dy, weights, dx}, inputs_of(batch));
  });
}

void depthwise_weight_gradients(const DepthwiseBatch& batch, const float* x, const float* dy, float* dw,
                                void* workspace) {
  const scalar::DepthwiseExtents at = scalar::depthwise_extents(batch);
  const scalar::DepthwiseWalk walk = scalar::depthwise_walk(batch);
  auto* parts = static_cast<double*>(workspace);
  scalar::with_side(batch.shape.kernel, [&](auto side) {
    constexpr int kTaps = side.value * side.value;
    std::vector<scalar::DepthwiseTaps<side.value>> own(static_cast<size_t>(walk.threads()));
    for (int64_t chunk = 0; chunk < walk.chunks; ++chunk) {
      for (int thread = 0; thread < walk.threads(); ++thread)
        own[static_cast<size_t>(thread)] = scalar::depthwise_thread<side.value>(at, walk, x, dy, chunk, thread);
      for (int tap = 0; tap < kTaps; ++tap)
        for (int64_t c = 0; c < walk.channels; ++c) {
          double sum = 0.0;
          for (int64_t lane = 0; lane < walk.lanes; ++lane)
            sum += static_cast<double>(own[static_cast<size_t>(lane * walk.channels + c)].sum[tap]);
          parts[(tap * walk.channels + c) * walk.chunks + chunk] = sum;
        }
    }
    for (int64_t i = 0; i < kTaps * walk.channels; ++i)
      dw[i] = static_cast<float>(scalar::sum_in_order(parts + i * walk.chunks, walk.chunks));
  });
}

}  // namespace carat
