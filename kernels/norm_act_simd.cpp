// SPDX-License-Identifier: Apache-2.0
// Values are walked as one flat row. What belongs to channels is repeated until its length is a multiple of the vector
// length (a period), so that any number of channels fills whole vectors.
#include "kernels/norm_act.h"

#include <algorithm>
#include <numeric>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/norm_act_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/unary-inl.h"

HWY_BEFORE_NAMESPACE();
namespace carat::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The first n lanes; zeros in the others.
HWY_INLINE V load_first(const float* from, size_t n) { return hn::MaskedLoad(hn::FirstN(D(), n), D(), from); }
HWY_INLINE void store_first(V x, float* to, size_t n) { hn::BlendedStore(x, hn::FirstN(D(), n), D(), to); }

// Within 3e-7 relative: a quotient takes too long here.
HWY_INLINE V fast_sigmoid(V x) {
  const V below = one_plus_exp_of_minus(x);
  const V guess = hn::ApproximateReciprocal(below);
  return hn::Mul(guess, hn::NegMulAdd(below, guess, set(2.0F)));
}

template <NormAct act>
HWY_INLINE V activated(V z) {
  switch (act) {
    case NormAct::relu:
      return hn::Max(z, set(0.0F));
    case NormAct::relu6:
      return hn::Min(hn::Max(z, set(0.0F)), set(6.0F));
    case NormAct::swish:
      return hn::Mul(z, fast_sigmoid(z));
    case NormAct::hard_swish:
      return hn::Mul(z, hn::Min(hn::Max(hn::MulAdd(z, set(1.0F / 6.0F), set(0.5F)), set(0.0F)), set(1.0F)));
    default:
      return z;
  }
}

// dy * act'(z)
template <NormAct act>
HWY_INLINE V through(V dy, V z) {
  const V zero = set(0.0F);
  switch (act) {
    case NormAct::relu:
      return hn::IfThenElseZero(hn::Gt(z, zero), dy);
    case NormAct::relu6:
      return hn::IfThenElseZero(hn::And(hn::Gt(z, zero), hn::Lt(z, set(6.0F))), dy);
    case NormAct::swish: {
      const V s = fast_sigmoid(z);
      return hn::Mul(dy, hn::MulAdd(hn::Mul(z, s), hn::Sub(set(1.0F), s), s));
    }
    case NormAct::hard_swish: {
      const V inside = hn::Mul(dy, hn::MulAdd(z, set(1.0F / 3.0F), set(0.5F)));
      const V right = hn::IfThenElse(hn::Ge(z, set(3.0F)), dy, inside);
      return hn::IfThenElseZero(hn::Gt(z, set(-3.0F)), right);
    }
    default:
      return dy;
  }
}

// {period}: values repeated; period = lcm(channels, lanes).
class Repeated {
 public:
  Repeated(const float* values, int64_t channels, int64_t period) : values_(static_cast<size_t>(period)) {
    for (int64_t i = 0; i < period; ++i) values_[static_cast<size_t>(i)] = values[i % channels];
  }
  HWY_INLINE V at(int64_t i) const { return hn::LoadU(D(), values_.data() + i); }

 private:
  std::vector<float> values_;
};

// Sums over a period, folded to channels at the end.
class Sums {
 public:
  explicit Sums(int64_t period) : values_(static_cast<size_t>(period)) {}
  HWY_INLINE void add(int64_t i, V x) {
    float* at = values_.data() + i;
    hn::StoreU(hn::Add(hn::LoadU(D(), at), x), D(), at);
  }
  void fold(int64_t channels, float* to) const {
    std::fill(to, to + channels, 0.0F);
    for (size_t i = 0; i < values_.size(); ++i) to[static_cast<int64_t>(i) % channels] += values_[i];
  }

 private:
  std::vector<float> values_;
};

int64_t period_of(int64_t channels) { return std::lcm(channels, static_cast<int64_t>(hn::Lanes(D()))); }

// body(place, place in the period) for whole vectors, rest(place, place in the period, lanes) for the last part.
template <typename Body, typename Rest>
HWY_INLINE void walk(PixelRun run, int64_t period, const Body& body, const Rest& rest) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(D()));
  const int64_t length = run.pixels * run.channels;
  int64_t place = 0;
  for (; place + period <= length; place += period)
    for (int64_t i = 0; i < period; i += lanes) body(place + i, i);
  for (int64_t i = 0; place + i < length; i += lanes)
    rest(place + i, i, static_cast<size_t>(std::min(lanes, length - place - i)));
}

void moments(const float* x, PixelRun run, float* mean, float* deviations) {
  const D d;
  const int64_t period = period_of(run.channels);
  Sums sums(period);
  walk(
      run, period, [&](int64_t at, int64_t i) HWY_ATTR { sums.add(i, hn::LoadU(d, x + at)); },
      [&](int64_t at, int64_t i, size_t n) HWY_ATTR { sums.add(i, load_first(x + at, n)); });
  sums.fold(run.channels, mean);
  for (int64_t c = 0; c < run.channels; ++c) mean[c] /= static_cast<float>(run.pixels);
  const Repeated middle(mean, run.channels, period);
  Sums squares(period);
  const auto square = [&](V v, int64_t i) HWY_ATTR {
    const V off = hn::Sub(v, middle.at(i));
    return hn::Mul(off, off);
  };
  walk(
      run, period, [&](int64_t at, int64_t i) HWY_ATTR { squares.add(i, square(hn::LoadU(d, x + at), i)); },
      [&](int64_t at, int64_t i, size_t n)
          HWY_ATTR { squares.add(i, hn::IfThenElseZero(hn::FirstN(d, n), square(load_first(x + at, n), i))); });
  squares.fold(run.channels, deviations);
}

template <NormAct act>
void forward(const float* x, PixelRun run, const float* factor, const float* offset, float* y) {
  const D d;
  const int64_t period = period_of(run.channels);
  const Repeated k(factor, run.channels, period);
  const Repeated b(offset, run.channels, period);
  const auto value = [&](V v, int64_t i) HWY_ATTR { return activated<act>(hn::MulAdd(v, k.at(i), b.at(i))); };
  walk(
      run, period, [&](int64_t at, int64_t i) HWY_ATTR { hn::StoreU(value(hn::LoadU(d, x + at), i), d, y + at); },
      [&](int64_t at, int64_t i, size_t n) HWY_ATTR { store_first(value(load_first(x + at, n), i), y + at, n); });
}

template <NormAct act>
void gradient_sums(const NormGradient& in, PixelRun run, float* sum, float* sum_x) {
  const D d;
  const int64_t period = period_of(run.channels);
  const Repeated k(in.factor, run.channels, period);
  const Repeated b(in.offset, run.channels, period);
  const Repeated middle(in.mean, run.channels, period);
  Sums plain(period);
  Sums moment(period);
  const auto add = [&](V x, V dy, int64_t i) HWY_ATTR {
    const V g = through<act>(dy, hn::MulAdd(x, k.at(i), b.at(i)));
    plain.add(i, g);
    moment.add(i, hn::Mul(g, hn::Sub(x, middle.at(i))));
  };
  walk(
      run, period, [&](int64_t at, int64_t i) HWY_ATTR { add(hn::LoadU(d, in.x + at), hn::LoadU(d, in.dy + at), i); },
      [&](int64_t at, int64_t i, size_t n) HWY_ATTR { add(load_first(in.x + at, n), load_first(in.dy + at, n), i); });
  plain.fold(run.channels, sum);
  moment.fold(run.channels, sum_x);
}

struct GradientLine {
  const float* slope;
  const float* level;
};

template <NormAct act>
void backward(const NormGradient& in, PixelRun run, const GradientLine& line, float* dx) {
  const D d;
  const int64_t period = period_of(run.channels);
  const Repeated k(in.factor, run.channels, period);
  const Repeated b(in.offset, run.channels, period);
  const Repeated middle(in.mean, run.channels, period);
  const Repeated slope(line.slope, run.channels, period);
  const Repeated level(line.level, run.channels, period);
  const auto value = [&](V x, V dy, int64_t i) HWY_ATTR {
    const V g = through<act>(dy, hn::MulAdd(x, k.at(i), b.at(i)));
    return hn::MulAdd(k.at(i), g, hn::MulAdd(slope.at(i), hn::Sub(x, middle.at(i)), level.at(i)));
  };
  walk(
      run, period,
      [&](int64_t at, int64_t i)
          HWY_ATTR { hn::StoreU(value(hn::LoadU(d, in.x + at), hn::LoadU(d, in.dy + at), i), d, dx + at); },
      [&](int64_t at, int64_t i, size_t n)
          HWY_ATTR { store_first(value(load_first(in.x + at, n), load_first(in.dy + at, n), i), dx + at, n); });
}

template <typename Call>
void with_activation(NormAct act, const Call& call) {
  switch (act) {
    case NormAct::none:
      return call.template operator()<NormAct::none>();
    case NormAct::relu:
      return call.template operator()<NormAct::relu>();
    case NormAct::relu6:
      return call.template operator()<NormAct::relu6>();
    case NormAct::swish:
      return call.template operator()<NormAct::swish>();
    case NormAct::hard_swish:
      return call.template operator()<NormAct::hard_swish>();
  }
}

void any_forward(const float* x, PixelRun run, const float* factor, const float* offset, NormAct act, float* y) {
  with_activation(act, [&]<NormAct one>() { forward<one>(x, run, factor, offset, y); });
}

void any_gradient_sums(const NormGradient& in, PixelRun run, float* sum, float* sum_x) {
  with_activation(in.act, [&]<NormAct one>() { gradient_sums<one>(in, run, sum, sum_x); });
}

void any_backward(const NormGradient& in, PixelRun run, const float* slope, const float* level, float* dx) {
  with_activation(in.act, [&]<NormAct one>() { backward<one>(in, run, {slope, level}, dx); });
}

}  // namespace carat::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace carat {

HWY_EXPORT(moments);
HWY_EXPORT(any_forward);
HWY_EXPORT(any_gradient_sums);
HWY_EXPORT(any_backward);

int64_t norm_chunk(int64_t channels) {
  constexpr int64_t kFloats = 32768;
  return std::max<int64_t>(64, kFloats / channels / 64 * 64);
}

void norm_moments(const float* x, PixelRun run, float* mean, float* deviations) {
  HWY_DYNAMIC_DISPATCH(moments)(x, run, mean, deviations);
}

void norm_forward(const float* x, PixelRun run, const float* factor, const float* offset, NormAct act, float* y) {
  HWY_DYNAMIC_DISPATCH(any_forward)(x, run, factor, offset, act, y);
}

void norm_gradient_sums(const NormGradient& in, PixelRun run, float* sum, float* sum_x) {
  HWY_DYNAMIC_DISPATCH(any_gradient_sums)(in, run, sum, sum_x);
}

void norm_backward(const NormGradient& in, PixelRun run, const float* slope, const float* level, float* dx) {
  HWY_DYNAMIC_DISPATCH(any_backward)(in, run, slope, level, dx);
}

}  // namespace carat
#endif
