// SPDX-License-Identifier: Apache-2.0
#include "data/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace carat {
namespace {

constexpr int kPrecisionBits = 32 - 8 - 2;
constexpr int32_t kHalf = 1 << (kPrecisionBits - 1);

double triangle(double x) { return std::max(0.0, 1.0 - std::abs(x)); }

double cubic(double x) {
  constexpr double kA = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((kA + 2.0) * x - (kA + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * kA;
  return 0.0;
}

// Which source samples a result sample takes, and how much of each.
struct Taps {
  int64_t size = 0;  // coefficients per result sample
  std::vector<int64_t> first;
  std::vector<int64_t> count;
  std::vector<int32_t> coefficients;

  const int32_t* of(int64_t i) const { return coefficients.data() + i * size; }
};

// Of result samples [begin, begin + wanted) of `out` from `in`.
Taps taps_of(int64_t in, int64_t out, int64_t begin, int64_t wanted, Interpolation interpolation) {
  const bool is_cubic = interpolation == Interpolation::bicubic;
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  const double filter_scale = std::max(scale, 1.0);
  const double support = (is_cubic ? 2.0 : 1.0) * filter_scale;
  const double inverse = 1.0 / filter_scale;
  Taps taps;
  taps.size = static_cast<int64_t>(std::ceil(support)) * 2 + 1;
  taps.coefficients.assign(static_cast<size_t>(wanted * taps.size), 0);
  std::vector<double> weights(static_cast<size_t>(taps.size));
  for (int64_t i = 0; i < wanted; ++i) {
    const double center = (static_cast<double>(begin + i) + 0.5) * scale;
    const int64_t first = std::max<int64_t>(0, static_cast<int64_t>(center - support + 0.5));
    const int64_t count = std::min(in, static_cast<int64_t>(center + support + 0.5)) - first;
    double sum = 0.0;
    for (int64_t k = 0; k < count; ++k) {
      const double at = (static_cast<double>(k + first) - center + 0.5) * inverse;
      weights[static_cast<size_t>(k)] = is_cubic ? cubic(at) : triangle(at);
      sum += weights[static_cast<size_t>(k)];
    }
    for (int64_t k = 0; k < count; ++k) {
      double weight = weights[static_cast<size_t>(k)];
      if (sum != 0.0) weight /= sum;
      taps.coefficients[static_cast<size_t>(i * taps.size + k)] =
          static_cast<int32_t>((weight < 0 ? -0.5 : 0.5) + weight * (1 << kPrecisionBits));
    }
    int64_t used = count;
    while (used > 1 && taps.coefficients[static_cast<size_t>(i * taps.size + used - 1)] == 0) --used;
    taps.first.push_back(first);
    taps.count.push_back(used);
  }
  return taps;
}

uint8_t clip(int32_t sum) { return static_cast<uint8_t>(std::clamp(sum >> kPrecisionBits, 0, 255)); }

using Eight = int32_t __attribute__((vector_size(32)));
using EightBytes = uint8_t __attribute__((vector_size(8)));

// Three channels of two rows at once, as two times four lanes; the fourth is the next pixel's.
EightBytes shrink_two(const uint8_t* upper, const uint8_t* lower, const int32_t* coefficients, int64_t count) {
  Eight sum = Eight{} + kHalf;
  for (int64_t k = 0; k < count; ++k) {
    EightBytes bytes;
    std::memcpy(&bytes, upper + 3 * k, 4);
    std::memcpy(reinterpret_cast<uint8_t*>(&bytes) + 4, lower + 3 * k, 4);
    sum += __builtin_convertvector(bytes, Eight) * coefficients[k];
  }
  sum >>= kPrecisionBits;
  sum = sum < 0 ? Eight{} : sum;
  sum = sum > 255 ? Eight{} + 255 : sum;
  return __builtin_convertvector(sum, EightBytes);
}

void shrink_rows_of_three(const uint8_t* upper, const uint8_t* lower, const Taps& taps, uint8_t* to, uint8_t* below) {
  const size_t width = taps.first.size();
  for (size_t x = 0; x < width; ++x) {
    const int64_t offset = 3 * taps.first[x];
    const EightBytes both = shrink_two(upper + offset, lower + offset, taps.of(static_cast<int64_t>(x)), taps.count[x]);
    // The fourth byte is written over by the next pixel; the last pixel has none.
    const auto* bytes = reinterpret_cast<const uint8_t*>(&both);
    if (x + 1 < width) {
      std::memcpy(to + 3 * x, bytes, 4);
      std::memcpy(below + 3 * x, bytes + 4, 4);
    } else {
      std::memcpy(to + 3 * x, bytes, 3);
      std::memcpy(below + 3 * x, bytes + 4, 3);
    }
  }
}

void shrink_row(const uint8_t* from, int64_t channels, const Taps& taps, uint8_t* to) {
  const auto width = static_cast<int64_t>(taps.first.size());
  for (int64_t x = 0; x < width; ++x) {
    for (int64_t c = 0; c < channels; ++c) {
      int32_t sum = kHalf;
      for (int64_t k = 0; k < taps.count[static_cast<size_t>(x)]; ++k)
        sum += from[(taps.first[static_cast<size_t>(x)] + k) * channels + c] * taps.of(x)[k];
      *to++ = clip(sum);
    }
  }
}

Image shrink_along(const ImageView& from, const Taps& taps) {
  Image to(from.height, static_cast<int64_t>(taps.first.size()), from.channels);
  for (int64_t y = 0; y < to.height; y += from.channels == 3 ? 2 : 1) {
    if (from.channels != 3) {
      shrink_row(from.row(y), from.channels, taps, to.row(y));
      continue;
    }
    // A last single row is its own lower row.
    const int64_t lower = std::min(y + 1, to.height - 1);
    shrink_rows_of_three(from.row(y), from.row(lower), taps, to.row(y), to.row(lower));
  }
  return to;
}

struct Rows {
  const uint8_t* first;
  int64_t stride;
  const int32_t* coefficients;
  int64_t count;
};

// One result row; a known count keeps the sums in registers.
template <int64_t count>
void blend(const Rows& rows, int64_t bytes, uint8_t* to) {
  int32_t coefficients[count];
  std::copy_n(rows.coefficients, count, coefficients);
  for (int64_t i = 0; i < bytes; ++i) {
    int32_t sum = kHalf;
    for (int64_t k = 0; k < count; ++k) sum += rows.first[k * rows.stride + i] * coefficients[k];
    to[i] = clip(sum);
  }
}

void blend_many(const Rows& rows, int64_t bytes, uint8_t* to) {
  constexpr int64_t kBlock = 256;
  int32_t sums[kBlock];
  for (int64_t begin = 0; begin < bytes; begin += kBlock) {
    const int64_t block = std::min(kBlock, bytes - begin);
    std::fill_n(sums, kBlock, kHalf);
    for (int64_t k = 0; k < rows.count; ++k) {
      const uint8_t* row = rows.first + k * rows.stride + begin;
      const int32_t coefficient = rows.coefficients[k];
      for (int64_t i = 0; i < block; ++i) sums[i] += row[i] * coefficient;
    }
    for (int64_t i = 0; i < block; ++i) to[begin + i] = clip(sums[i]);
  }
}

void blend_rows(const Rows& rows, int64_t bytes, uint8_t* to) {
  switch (rows.count) {
    case 1:
      return blend<1>(rows, bytes, to);
    case 2:
      return blend<2>(rows, bytes, to);
    case 3:
      return blend<3>(rows, bytes, to);
    case 4:
      return blend<4>(rows, bytes, to);
    default:
      return blend_many(rows, bytes, to);
  }
}

Image shrink_down(const ImageView& from, const Taps& taps) {
  Image to(static_cast<int64_t>(taps.first.size()), from.width, from.channels);
  for (int64_t y = 0; y < to.height; ++y) {
    const auto i = static_cast<size_t>(y);
    blend_rows({from.row(taps.first[i]), from.stride, taps.of(y), taps.count[i]}, to.stride(), to.row(y));
  }
  return to;
}

// Positions of the nearest samples: the sum of steps that Pillow adds up.
std::vector<int64_t> nearest(int64_t in, int64_t out, int64_t begin, int64_t wanted) {
  const double step = static_cast<double>(in) / static_cast<double>(out);
  std::vector<int64_t> positions;
  double at = step * 0.5;
  for (int64_t i = 0; i < begin + wanted; ++i) {
    if (i >= begin) positions.push_back(std::min(in - 1, static_cast<int64_t>(at)));
    at += step;
  }
  return positions;
}

Image resize_nearest(const ImageView& from, const ResizeTo& to) {
  const std::vector<int64_t> rows = nearest(from.height, to.height, to.part.top, to.part.height);
  const std::vector<int64_t> columns = nearest(from.width, to.width, to.part.left, to.part.width);
  Image result(to.part.height, to.part.width, from.channels);
  uint8_t* out = result.pixels.data();
  for (const int64_t y : rows)
    for (const int64_t x : columns)
      for (int64_t c = 0; c < from.channels; ++c) *out++ = from.row(y)[x * from.channels + c];
  return result;
}

}  // namespace

Image resize(const ImageView& from, const ResizeTo& to) {
  check_box(to.part, to.height, to.width);
  if (to.interpolation == Interpolation::nearest) return resize_nearest(from, to);
  Taps down = taps_of(from.height, to.height, to.part.top, to.part.height, to.interpolation);
  Taps along = taps_of(from.width, to.width, to.part.left, to.part.width, to.interpolation);
  const int64_t top = down.first.front();
  const int64_t left = along.first.front();
  const ImageView used{from.row(top) + left * from.channels, down.first.back() + down.count.back() - top,
                       along.first.back() + along.count.back() - left, from.channels, from.stride};
  for (int64_t& row : down.first) row -= top;
  for (int64_t& column : along.first) column -= left;
  if (from.height - to.height > 2 * std::max<int64_t>(0, from.width - to.width))
    return shrink_along(shrink_down(used, down).view(), along);
  return shrink_down(shrink_along(used, along).view(), down);
}

Image resize(const ImageView& from, int64_t height, int64_t width, Interpolation interpolation) {
  return resize(from, {height, width, {0, 0, height, width}, interpolation});
}

}  // namespace carat
