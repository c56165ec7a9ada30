// SPDX-License-Identifier: Apache-2.0
#include "kernels/sparse_sums.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/sparse_sums_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace carat::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Chunks = std::span<const SumProgram::Chunk>;

// Calls tile<V>(q) over [0, count) for V vectors of lanes at a time, the last ones reaching beyond.
template <typename Tile4, typename Tile1>
HWY_INLINE void over_tiles(int64_t count, int64_t lanes, Tile4&& four, Tile1&& one) {
  int64_t q = 0;
  for (; count - q > 2 * lanes; q += 4 * lanes) four(q);
  for (; q < count; q += lanes) one(q);
}

// V vectors of uint8: sums of a chunk in uint8, products in int16, even and odd pixels apart.
template <size_t V>
HWY_INLINE void tile8(Chunks chunks, const int32_t* offsets, const uint8_t* x, int16_t* acc) {
  const hn::ScalableTag<uint8_t> d8;
  const hn::ScalableTag<int16_t> d16;
  const hn::ScalableTag<uint16_t> du16;
  using V16 = hn::Vec<decltype(d16)>;
  const size_t lanes = hn::Lanes(d8);
  const auto low_byte = hn::Set(du16, 0x00FF);
  V16 even0 = hn::Zero(d16), even1 = even0, even2 = even0, even3 = even0;
  V16 odd0 = even0, odd1 = even0, odd2 = even0, odd3 = even0;
  int32_t at = 0;
  for (const SumProgram::Chunk& chunk : chunks) {
    const auto* start = x + offsets[at];
    auto s0 = hn::LoadU(d8, start), s1 = s0, s2 = s0, s3 = s0;
    if constexpr (V > 1) {
      s1 = hn::LoadU(d8, start + lanes);
      s2 = hn::LoadU(d8, start + 2 * lanes);
      s3 = hn::LoadU(d8, start + 3 * lanes);
    }
    for (++at; at < chunk.end; ++at) {
      const uint8_t* from = x + offsets[at];
      s0 = hn::Add(s0, hn::LoadU(d8, from));
      if constexpr (V > 1) {
        s1 = hn::Add(s1, hn::LoadU(d8, from + lanes));
        s2 = hn::Add(s2, hn::LoadU(d8, from + 2 * lanes));
        s3 = hn::Add(s3, hn::LoadU(d8, from + 3 * lanes));
      }
    }
    const V16 code = hn::Set(d16, chunk.code);
    const auto add = [&](auto sum, V16& even, V16& odd) HWY_ATTR {
      const auto pairs = hn::BitCast(du16, sum);
      even = hn::Add(even, hn::Mul(hn::BitCast(d16, hn::And(pairs, low_byte)), code));
      odd = hn::Add(odd, hn::Mul(hn::BitCast(d16, hn::ShiftRight<8>(pairs)), code));
    };
    add(s0, even0, odd0);
    if constexpr (V > 1) {
      add(s1, even1, odd1);
      add(s2, even2, odd2);
      add(s3, even3, odd3);
    }
  }
  hn::StoreInterleaved2(even0, odd0, d16, acc);
  if constexpr (V > 1) {
    hn::StoreInterleaved2(even1, odd1, d16, acc + lanes);
    hn::StoreInterleaved2(even2, odd2, d16, acc + 2 * lanes);
    hn::StoreInterleaved2(even3, odd3, d16, acc + 3 * lanes);
  }
}

void sum_uint8(const SumProgram& program, int64_t kernel, const uint8_t* x, int64_t count, int16_t* acc) {
  const Chunks chunks = program.chunks(kernel);
  const int32_t* offsets = program.offsets(kernel);
  const auto lanes = static_cast<int64_t>(hn::Lanes(hn::ScalableTag<uint8_t>()));
  over_tiles(
      count, lanes, [&](int64_t q) HWY_ATTR { tile8<4>(chunks, offsets, x + q, acc + q); },
      [&](int64_t q) HWY_ATTR { tile8<1>(chunks, offsets, x + q, acc + q); });
}

// One vector of int16 with its sums in int16 and what has spilled in int32, even and odd pixels apart.
struct Wide {
  hn::Vec<hn::ScalableTag<int16_t>> held;
  hn::Vec<hn::ScalableTag<int32_t>> even;
  hn::Vec<hn::ScalableTag<int32_t>> odd;
};

HWY_INLINE Wide empty() {
  const hn::ScalableTag<int32_t> d32;
  return {hn::Zero(hn::ScalableTag<int16_t>()), hn::Zero(d32), hn::Zero(d32)};
}

HWY_INLINE void spill(Wide& wide) {
  const auto pairs = hn::BitCast(hn::ScalableTag<int32_t>(), wide.held);
  wide.even = hn::Add(wide.even, hn::ShiftRight<16>(hn::ShiftLeft<16>(pairs)));
  wide.odd = hn::Add(wide.odd, hn::ShiftRight<16>(pairs));
  wide.held = hn::Zero(hn::ScalableTag<int16_t>());
}

template <size_t V, typename Sum>
HWY_INLINE void tile16(Chunks chunks, const int32_t* offsets, const int16_t* x, Sum* acc) {
  const hn::ScalableTag<int16_t> d16;
  const size_t lanes = hn::Lanes(d16);
  Wide w0 = empty(), w1 = w0, w2 = w0, w3 = w0;
  int32_t at = 0;
  for (const SumProgram::Chunk& chunk : chunks) {
    const auto* start = x + offsets[at];
    auto s0 = hn::LoadU(d16, start), s1 = s0, s2 = s0, s3 = s0;
    if constexpr (V > 1) {
      s1 = hn::LoadU(d16, start + lanes);
      s2 = hn::LoadU(d16, start + 2 * lanes);
      s3 = hn::LoadU(d16, start + 3 * lanes);
    }
    for (++at; at < chunk.added; ++at) {
      const int16_t* from = x + offsets[at];
      s0 = hn::Add(s0, hn::LoadU(d16, from));
      if constexpr (V > 1) {
        s1 = hn::Add(s1, hn::LoadU(d16, from + lanes));
        s2 = hn::Add(s2, hn::LoadU(d16, from + 2 * lanes));
        s3 = hn::Add(s3, hn::LoadU(d16, from + 3 * lanes));
      }
    }
    for (; at < chunk.end; ++at) {
      const int16_t* from = x + offsets[at];
      s0 = hn::Sub(s0, hn::LoadU(d16, from));
      if constexpr (V > 1) {
        s1 = hn::Sub(s1, hn::LoadU(d16, from + lanes));
        s2 = hn::Sub(s2, hn::LoadU(d16, from + 2 * lanes));
        s3 = hn::Sub(s3, hn::LoadU(d16, from + 3 * lanes));
      }
    }
    const auto code = hn::Set(d16, chunk.code);
    const auto add = [&](auto sum, Wide& wide) HWY_ATTR {
      if (chunk.spills != 0) spill(wide);
      wide.held = hn::Add(wide.held, hn::Mul(sum, code));
    };
    add(s0, w0);
    if constexpr (V > 1) {
      add(s1, w1);
      add(s2, w2);
      add(s3, w3);
    }
  }
  const auto store = [&](Wide& wide, Sum* to) HWY_ATTR {
    if constexpr (sizeof(Sum) == sizeof(int16_t)) return hn::StoreU(wide.held, d16, to);
    spill(wide);
    if constexpr (sizeof(Sum) == sizeof(int32_t))
      hn::StoreInterleaved2(wide.even, wide.odd, hn::ScalableTag<int32_t>(), to);
  };
  store(w0, acc);
  if constexpr (V > 1) {
    store(w1, acc + lanes);
    store(w2, acc + 2 * lanes);
    store(w3, acc + 3 * lanes);
  }
}

template <typename Sum>
HWY_INLINE void sum_short(const SumProgram& program, int64_t kernel, const int16_t* x, int64_t count, Sum* acc) {
  const Chunks chunks = program.chunks(kernel);
  const int32_t* offsets = program.offsets(kernel);
  const auto lanes = static_cast<int64_t>(hn::Lanes(hn::ScalableTag<int16_t>()));
  over_tiles(
      count, lanes, [&](int64_t q) HWY_ATTR { tile16<4, Sum>(chunks, offsets, x + q, acc + q); },
      [&](int64_t q) HWY_ATTR { tile16<1, Sum>(chunks, offsets, x + q, acc + q); });
}

void sum_int16(const SumProgram& program, int64_t kernel, const int16_t* x, int64_t count, int32_t* acc) {
  sum_short(program, kernel, x, count, acc);
}

void sum_narrow(const SumProgram& program, int64_t kernel, const int16_t* x, int64_t count, int16_t* acc) {
  sum_short(program, kernel, x, count, acc);
}

template <size_t V>
HWY_INLINE void tile_float(std::span<const FloatTap> taps, const float* x, float* acc) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  auto s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
  for (const FloatTap& tap : taps) {
    const float* from = x + tap.offset;
    const auto weight = hn::Set(d, tap.weight);
    s0 = hn::Add(s0, hn::Mul(weight, hn::LoadU(d, from)));
    if constexpr (V > 1) {
      s1 = hn::Add(s1, hn::Mul(weight, hn::LoadU(d, from + lanes)));
      s2 = hn::Add(s2, hn::Mul(weight, hn::LoadU(d, from + 2 * lanes)));
      s3 = hn::Add(s3, hn::Mul(weight, hn::LoadU(d, from + 3 * lanes)));
    }
  }
  hn::StoreU(s0, d, acc);
  if constexpr (V > 1) {
    hn::StoreU(s1, d, acc + lanes);
    hn::StoreU(s2, d, acc + 2 * lanes);
    hn::StoreU(s3, d, acc + 3 * lanes);
  }
}

void sum_float(std::span<const FloatTap> taps, const float* x, int64_t count, float* acc) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(hn::ScalableTag<float>()));
  over_tiles(
      count, lanes, [&](int64_t q) HWY_ATTR { tile_float<4>(taps, x + q, acc + q); },
      [&](int64_t q) HWY_ATTR { tile_float<1>(taps, x + q, acc + q); });
}

}  // namespace carat::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace carat {

HWY_EXPORT(sum_uint8);
HWY_EXPORT(sum_int16);
HWY_EXPORT(sum_narrow);
HWY_EXPORT(sum_float);

void sum_codes(const SumProgram& program, int64_t kernel, const uint8_t* x, int64_t count, int16_t* acc) {
  HWY_DYNAMIC_DISPATCH(sum_uint8)(program, kernel, x, count, acc);
}

void sum_codes(const SumProgram& program, int64_t kernel, const int16_t* x, int64_t count, int32_t* acc) {
  HWY_DYNAMIC_DISPATCH(sum_int16)(program, kernel, x, count, acc);
}

void sum_codes(const SumProgram& program, int64_t kernel, const int16_t* x, int64_t count, int16_t* acc) {
  HWY_DYNAMIC_DISPATCH(sum_narrow)(program, kernel, x, count, acc);
}

void sum_floats(std::span<const FloatTap> taps, const float* x, int64_t count, float* acc) {
  HWY_DYNAMIC_DISPATCH(sum_float)(taps, x, count, acc);
}

}  // namespace carat
#endif
