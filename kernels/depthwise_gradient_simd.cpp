// SPDX-License-Identifier: Apache-2.0
#include "kernels/depthwise_gradient.h"

#include <algorithm>
#include <array>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/depthwise_gradient_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace carat::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// First and last + 1 place of the result whose tap `s` lies inside [0, extent).
struct Inside {
  int64_t begin;
  int64_t end;
};
Inside places_inside(int64_t s, int64_t padding, int64_t stride, int64_t extent, int64_t places) {
  const int64_t first = s - padding;
  const int64_t begin = first >= 0 ? 0 : (-first + stride - 1) / stride;
  const int64_t end = extent - first <= 0 ? 0 : (extent - first - 1) / stride + 1;
  return {std::min(begin, places), std::clamp(end, begin, places)};
}

// One row of dy against one row of x: sums[s] += sum over w of dy[w] * x[w * stride + s - padding], for a vector of
// channels. x and dy point to the row's first pixel at these channels.
template <int kKernel>
HWY_INLINE void row_sums(const DepthwiseShape& shape, const float* x, const float* dy, size_t lanes, float* sums) {
  const D d;
  const int64_t c = shape.channels;
  const auto load = [&](const float* at) HWY_ATTR { return hn::MaskedLoad(hn::FirstN(d, lanes), d, at); };
  const Inside left = places_inside(0, shape.padding, shape.stride, shape.in_width, shape.out_width);
  const Inside right = places_inside(kKernel - 1, shape.padding, shape.stride, shape.in_width, shape.out_width);
  V acc[kKernel];
  for (int s = 0; s < kKernel; ++s) acc[s] = load(sums + s * c);
  const auto border = [&](int64_t begin, int64_t end) HWY_ATTR {
    for (int64_t w = begin; w < end; ++w)
      for (int s = 0; s < kKernel; ++s) {
        const int64_t column = w * shape.stride + s - shape.padding;
        if (column >= 0 && column < shape.in_width) acc[s] = hn::MulAdd(load(dy + w * c), load(x + column * c), acc[s]);
      }
  };
  const int64_t inner_end = std::max(left.begin, right.end);
  border(0, left.begin);
  const float* from = x + (left.begin * shape.stride - shape.padding) * c;
  if (lanes == hn::Lanes(d)) {
    for (int64_t w = left.begin; w < inner_end; ++w, from += shape.stride * c) {
      const V gradient = hn::LoadU(d, dy + w * c);
      for (int s = 0; s < kKernel; ++s) acc[s] = hn::MulAdd(gradient, hn::LoadU(d, from + s * c), acc[s]);
    }
  } else {
    for (int64_t w = left.begin; w < inner_end; ++w, from += shape.stride * c) {
      const V gradient = load(dy + w * c);
      for (int s = 0; s < kKernel; ++s) acc[s] = hn::MulAdd(gradient, load(from + s * c), acc[s]);
    }
  }
  border(inner_end, shape.out_width);
  for (int s = 0; s < kKernel; ++s) hn::BlendedStore(acc[s], hn::FirstN(d, lanes), d, sums + s * c);
}

template <int kKernel>
void weight_gradient(const DepthwiseShape& shape, const float* x, const float* dy, float* sums) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(D()));
  for (int64_t h = 0; h < shape.out_height; ++h) {
    for (int64_t r = 0; r < kKernel; ++r) {
      const int64_t row = h * shape.stride + r - shape.padding;
      if (row < 0 || row >= shape.in_height) continue;
      const float* x_row = x + row * shape.in_width * shape.channels;
      const float* dy_row = dy + h * shape.out_width * shape.channels;
      float* to = sums + r * kKernel * shape.channels;
      for (int64_t c = 0; c < shape.channels; c += lanes)
        row_sums<kKernel>(shape, x_row + c, dy_row + c, static_cast<size_t>(std::min(lanes, shape.channels - c)),
                          to + c);
    }
  }
}

void any_weight_gradient(const DepthwiseShape& shape, const float* x, const float* dy, float* sums) {
  switch (shape.kernel) {
    case 1:
      return weight_gradient<1>(shape, x, dy, sums);
    case 2:
      return weight_gradient<2>(shape, x, dy, sums);
    case 3:
      return weight_gradient<3>(shape, x, dy, sums);
    case 5:
      return weight_gradient<5>(shape, x, dy, sums);
    case 7:
      return weight_gradient<7>(shape, x, dy, sums);
    case 9:
      return weight_gradient<9>(shape, x, dy, sums);
    default:
      return weight_gradient<11>(shape, x, dy, sums);
  }
}

void gate(const float* x, const float* factor, int64_t pixels, int64_t channels, float* z) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t p = 0; p < pixels; ++p, x += channels, z += channels) {
    int64_t c = 0;
    for (; c + lanes <= channels; c += lanes)
      hn::StoreU(hn::Mul(hn::LoadU(d, x + c), hn::LoadU(d, factor + c)), d, z + c);
    for (; c < channels; ++c) z[c] = x[c] * factor[c];
  }
}

void gate_gradients(const float* x, const float* dz, const float* factor, int64_t pixels, int64_t channels,
                    const GateGradient& to) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  std::fill(to.gate_gradient, to.gate_gradient + channels, 0.0F);
  float* dx = to.dx;
  for (int64_t p = 0; p < pixels; ++p, x += channels, dz += channels, dx += channels) {
    int64_t c = 0;
    for (; c + lanes <= channels; c += lanes) {
      const V gradient = hn::LoadU(d, dz + c);
      hn::StoreU(hn::Mul(gradient, hn::LoadU(d, factor + c)), d, dx + c);
      const V sum = hn::LoadU(d, to.gate_gradient + c);
      hn::StoreU(hn::MulAdd(gradient, hn::LoadU(d, x + c), sum), d, to.gate_gradient + c);
    }
    for (; c < channels; ++c) {
      dx[c] = dz[c] * factor[c];
      to.gate_gradient[c] += dz[c] * x[c];
    }
  }
}

}  // namespace carat::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "base/fail.h"

namespace carat {

HWY_EXPORT(any_weight_gradient);
HWY_EXPORT(gate);
HWY_EXPORT(gate_gradients);

bool has_depthwise_gradient(int64_t kernel) {
  constexpr std::array<int64_t, 7> kKernels = {1, 2, 3, 5, 7, 9, 11};
  return std::find(kKernels.begin(), kKernels.end(), kernel) != kKernels.end();
}

void depthwise_weight_gradient(const DepthwiseShape& shape, const float* x, const float* dy, float* sums) {
  require(has_depthwise_gradient(shape.kernel), "depthwise_weight_gradient: no kernel of side {}", shape.kernel);
  HWY_DYNAMIC_DISPATCH(any_weight_gradient)(shape, x, dy, sums);
}

void gate_forward(const float* x, const float* gate, int64_t pixels, int64_t channels, float* z) {
  HWY_DYNAMIC_DISPATCH(gate)(x, gate, pixels, channels, z);
}

void gate_backward(const float* x, const float* dz, const float* gate, int64_t pixels, int64_t channels,
                   const GateGradient& to) {
  HWY_DYNAMIC_DISPATCH(gate_gradients)(x, dz, gate, pixels, channels, to);
}

}  // namespace carat
#endif
