// SPDX-License-Identifier: Apache-2.0
// Shared parts of kernels/batch_norm.h.
#pragma once

#include "kernels/batch_norm.h"
#include "kernels/scalar/sums.h"
#include "kernels/scalar/unary.h"

namespace carat::scalar {

// The sums' order: pixels are cut into chunks of lanes * kNormRows. Thread (lane, channel) of a chunk adds the pixels
// lane, lane + lanes, ... of its channel; the lanes are added in their order, a channel's chunks as sums.h says.
constexpr int64_t kNormRows = 32;
constexpr int64_t kNormMostChannels = 1024;

struct NormWalk {
  int64_t pixels, channels, lanes, chunks;
  CARAT_SHARED int64_t chunk_pixels() const { return lanes * kNormRows; }
  CARAT_SHARED int threads() const { return static_cast<int>(lanes * channels); }
};

inline NormWalk walk_of(const NormShape& shape) {
  const int64_t lanes = shape.channels < kElementThreads ? kElementThreads / shape.channels : 1;
  const int64_t size = lanes * kNormRows;
  return {shape.pixels, shape.channels, lanes, (shape.pixels + size - 1) / size};
}

struct NormSums {
  double first, second;
};

CARAT_SHARED NormSums plus(const NormSums& a, const NormSums& b) {
  return {add(a.first, b.first), add(a.second, b.second)};
}

CARAT_SHARED float activate(NormAct act, float z) {
  switch (act) {
    case NormAct::none:
      return z;
    case NormAct::relu:
      return relu(z);
    case NormAct::relu6:
      return clamp6(z);
    case NormAct::swish:
      return unary(Unary::swish, z);
    case NormAct::hard_swish:
      return unary(Unary::hard_swish, z);
  }
  return z;
}

CARAT_SHARED float slope_at(NormAct act, float z) {
  switch (act) {
    case NormAct::none:
      return 1.0F;
    case NormAct::relu:
      return z > 0.0F ? 1.0F : 0.0F;
    case NormAct::relu6:
      return z > 0.0F && z < 6.0F ? 1.0F : 0.0F;
    case NormAct::swish: {
      const float s = sigmoid(z);
      return multiply(s, add(1.0F, multiply(z, add(1.0F, -s))));
    }
    case NormAct::hard_swish:
      if (z <= -3.0F) return 0.0F;
      return z >= 3.0F ? 1.0F : fused(z, 0.333333343F, 0.5F);
  }
  return 1.0F;
}

// What a thread adds up, at element i of channel c: forward x and its square, in float64, for the variance is their
// difference; backward g and g * (x - mean), in float32 over the few pixels of a thread.
struct NormMoments {
  const float* x;
  using Sum = double;
  CARAT_SHARED void add_to(double& first, double& second, int64_t i, int64_t /*c*/) const {
    const auto value = static_cast<double>(x[i]);
    first = add(first, value);
    second = add(second, multiply(value, value));
  }
};

struct NormLine {
  const float* mean;
  const float* inverse;
  const float* factor;
  const float* offset;
};

CARAT_SHARED NormLine line_at(const float* line, int64_t channels) {
  return {line, line + channels, line + 2 * channels, line + 3 * channels};
}

struct NormGradients {
  const float* x;
  const float* dy;
  NormLine line;
  NormAct act;
  CARAT_SHARED float g(int64_t i, int64_t c) const {
    const float z = add(multiply(line.factor[c], x[i]), line.offset[c]);
    return multiply(dy[i], slope_at(act, z));
  }
  using Sum = float;
  CARAT_SHARED void add_to(float& first, float& second, int64_t i, int64_t c) const {
    const float gradient = g(i, c);
    first = add(first, gradient);
    second = fused(gradient, add(x[i], -line.mean[c]), second);
  }
};

template <typename Terms>
CARAT_SHARED NormSums norm_thread(const Terms& terms, const NormWalk& walk, int64_t chunk, int thread) {
  const int64_t channel = thread % walk.channels;
  const int64_t first = chunk * walk.chunk_pixels() + thread / walk.channels;
  typename Terms::Sum sum = 0;
  typename Terms::Sum other = 0;
  CARAT_UNROLL
  for (int64_t row = 0; row < kNormRows; ++row)
    if (const int64_t pixel = first + row * walk.lanes; pixel < walk.pixels)
      terms.add_to(sum, other, pixel * walk.channels + channel, channel);
  return {static_cast<double>(sum), static_cast<double>(other)};
}

CARAT_SHARED float moved(float running, float value, float momentum) {
  return add(running, multiply(momentum, add(value, -running)));
}

// From the sums of a channel.
CARAT_SHARED void finish_forward(const NormForward& norm, const NormWalk& walk, int64_t c, const NormSums& sums) {
  const auto pixels = static_cast<double>(walk.pixels);
  const double mean = divide(sums.first, pixels);
  const double spread = add(divide(sums.second, pixels), -multiply(mean, mean));
  const double variance = spread > 0.0 ? spread : 0.0;
  const double inverse = divide(1.0, sqrt(add(variance, norm.epsilon)));
  const double factor = multiply(static_cast<double>(norm.weight[c]), inverse);
  norm.line[c] = static_cast<float>(mean);
  norm.line[walk.channels + c] = static_cast<float>(inverse);
  norm.line[2 * walk.channels + c] = static_cast<float>(factor);
  norm.line[3 * walk.channels + c] =
      static_cast<float>(add(static_cast<double>(norm.bias[c]), -multiply(mean, factor)));
  const double others = pixels > 1.0 ? pixels - 1.0 : 1.0;
  const auto momentum = static_cast<float>(norm.momentum);
  norm.running_mean[c] = moved(norm.running_mean[c], static_cast<float>(mean), momentum);
  norm.running_var[c] =
      moved(norm.running_var[c], static_cast<float>(multiply(variance, divide(pixels, others))), momentum);
}

// dx = factor * g + slopes[0] * (x - mean) + slopes[1]; slopes {2, channels}.
CARAT_SHARED void finish_backward(const NormBackward& norm, const NormWalk& walk, int64_t c, const NormSums& sums,
                                  float* slopes) {
  const NormLine line = line_at(norm.line, walk.channels);
  const auto inverse = static_cast<double>(line.inverse[c]);
  const double share = divide(static_cast<double>(line.factor[c]), static_cast<double>(walk.pixels));
  norm.bias_gradient[c] = static_cast<float>(sums.first);
  norm.weight_gradient[c] = static_cast<float>(multiply(sums.second, inverse));
  slopes[c] = static_cast<float>(-multiply(multiply(share, multiply(inverse, inverse)), sums.second));
  slopes[walk.channels + c] = static_cast<float>(-multiply(share, sums.first));
}

struct NormApply {
  const float* x;
  const float* factor;
  const float* offset;
  Divisor channels;
  NormAct act;
  float* y;
  struct Loaded {
    float x, factor, offset;
  };
  CARAT_SHARED Loaded load(int64_t i) const {
    const auto place = static_cast<uint32_t>(i);
    const uint32_t c = place - channels.quotient(place) * channels.divisor;
    return {x[i], factor[c], offset[c]};
  }
  CARAT_SHARED void store(int64_t i, const Loaded& v) const {
    y[i] = activate(act, add(multiply(v.factor, v.x), v.offset));
  }
};

struct NormApplyGradient {
  NormGradients terms;
  const float* slopes;
  Divisor channels;
  float* dx;
  struct Loaded {
    float x, g, mean, factor, slope, level;
  };
  CARAT_SHARED Loaded load(int64_t i) const {
    const auto place = static_cast<uint32_t>(i);
    const uint32_t c = place - channels.quotient(place) * channels.divisor;
    return {terms.x[i],           terms.g(i, c), terms.line.mean[c],
            terms.line.factor[c], slopes[c],     slopes[channels.divisor + c]};
  }
  CARAT_SHARED void store(int64_t i, const Loaded& v) const {
    dx[i] = add(add(multiply(v.factor, v.g), multiply(v.slope, add(v.x, -v.mean))), v.level);
  }
};

// Throws Error for a shape that does not fit.
void check_norm(const NormShape& shape);

}  // namespace carat::scalar
