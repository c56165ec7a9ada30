// SPDX-License-Identifier: Apache-2.0
// The operations of kernels/layer_ops.h: at(i) is result number i of {N, H, W, C}.
#pragma once

#include <cmath>

#include "kernels/layer_ops.h"
#include "kernels/scalar/divisor.h"
#include "kernels/scalar/half.h"
#include "kernels/scalar/unary.h"

namespace carat::scalar {

CARAT_SHARED float read_value(const ValueView& x, int64_t i) {
  switch (x.form) {
    case ValueForm::uint8:
      return static_cast<float>(static_cast<const uint8_t*>(x.data)[i]);
    case ValueForm::int8:
      return static_cast<float>(static_cast<const int8_t*>(x.data)[i]);
    case ValueForm::int32:
      return static_cast<float>(static_cast<const int32_t*>(x.data)[i]);
    case ValueForm::float32:
      return static_cast<const float*>(x.data)[i];
  }
  return 0.0F;
}

CARAT_SHARED float integer_scale(const ElementOp& op, float x, int64_t c) {
  const int64_t product = static_cast<int64_t>(op.k[c]) * static_cast<int64_t>(x);
  const int64_t sum = product + (op.b != nullptr ? static_cast<int64_t>(op.b[c]) : 0);
  return static_cast<float>(sum >> op.shift);
}

CARAT_SHARED float apply_element(const ElementOp& op, float x, int64_t c) {
  switch (op.kind) {
    case ElementOp::Kind::scale:
      x = multiply(op.k[c], x);
      return op.b != nullptr ? add(x, op.b[c]) : x;
    case ElementOp::Kind::strict:
      x = round_to_half(multiply(op.k[c], x));
      return op.b != nullptr ? round_to_half(add(x, op.b[c])) : x;
    case ElementOp::Kind::integer:
      return integer_scale(op, x, c);
    case ElementOp::Kind::bias:
      return add(x, op.b[c]);
    case ElementOp::Kind::quantize: {
      const float whole = op.range.half_away ? round_half_away(x) : round_half_even(x);
      return clamp_code(whole, op.range.lowest, op.range.highest);
    }
    case ElementOp::Kind::table:
      return op.table[static_cast<int64_t>(x) - op.lowest];
    case ElementOp::Kind::unary:
      return unary(op.unary, x);
  }
  return x;
}

CARAT_SHARED void write_value(void* data, ValueForm form, int64_t i, float value) {
  switch (form) {
    case ValueForm::uint8:
      static_cast<uint8_t*>(data)[i] = static_cast<uint8_t>(static_cast<int>(value));
      return;
    case ValueForm::int8:
      static_cast<int8_t*>(data)[i] = static_cast<int8_t>(static_cast<int>(value));
      return;
    case ValueForm::int32:
      static_cast<int32_t*>(data)[i] = static_cast<int32_t>(value);
      return;
    case ValueForm::float32:
      static_cast<float*>(data)[i] = value;
  }
}

// What a thread does with a result: element-wise layers, then the destination.
template <typename Source>
struct LayerElements {
  Source source;
  LayerFinish finish;
  Divisor channels;  // of the operation's result
  using Loaded = float;
  CARAT_SHARED float load(int64_t i) const { return source.at(static_cast<uint32_t>(i)); }
  CARAT_SHARED void store(int64_t i, float value) const {
    const uint32_t pixel = channels.quotient(static_cast<uint32_t>(i));
    const int64_t c = finish.first_channel + (static_cast<uint32_t>(i) - pixel * channels.divisor);
    for (int op = 0; op < finish.count; ++op) value = apply_element(finish.ops[op], value, c);
    write_value(finish.data, finish.form, pixel * finish.channels + c, value);
  }
};

// Where result i lies.
struct Place {
  int64_t image;
  int y, x, c;
};

struct Extents {
  Divisor channels, width, height;

  CARAT_SHARED Place place(uint32_t i) const {
    const uint32_t pixel = channels.quotient(i);
    const uint32_t line = width.quotient(pixel);
    const uint32_t image = height.quotient(line);
    return {image, static_cast<int>(line - image * height.divisor), static_cast<int>(pixel - line * width.divisor),
            static_cast<int>(i - pixel * channels.divisor)};
  }
};

// A value {N, H, W, C}.
struct Tensor {
  ValueView view;
  int height, width, channels;

  CARAT_SHARED float at(int64_t image, int y, int x, int c) const {
    return read_value(view, ((image * height + y) * width + x) * channels + c);
  }
  CARAT_SHARED bool holds(int y, int x) const { return y >= 0 && y < height && x >= 0 && x < width; }
};

struct Image {
  const uint8_t* pixels;
  int channels, plane;
  ImageRule rule;
  Extents result;

  CARAT_SHARED float at(uint32_t i) const {
    const Place p = result.place(i);
    const int64_t pixel = static_cast<int64_t>(p.y) * result.width.divisor + p.x;
    const auto code = static_cast<float>(pixels[(p.image * channels + p.c) * plane + pixel]);
    if (rule.kind == ImageRule::Kind::codes) return code;
    const float unit = divide(code, 255.0F);
    if (rule.kind == ImageRule::Kind::unit) return unit;
    const float normal = divide(add(unit, -rule.mean[p.c]), rule.deviation[p.c]);
    return rule.kind == ImageRule::Kind::half ? round_to_half(normal) : normal;
  }
};

struct Copy {
  ValueView x;
  CARAT_SHARED float at(uint32_t i) const { return read_value(x, i); }
};

struct Add {
  ValueView x[kMostAdded];
  int count;
  CARAT_SHARED float at(uint32_t i) const {
    float sum = read_value(x[0], i);
    for (int input = 1; input < count; ++input) sum = add(sum, read_value(x[input], i));
    return sum;
  }
};

struct Multiply {
  ValueView a, b;
  bool b_is_channels;
  Divisor image, channels;
  CARAT_SHARED float at(uint32_t i) const {
    const uint32_t c = i - channels.quotient(i) * channels.divisor;
    const uint32_t other = b_is_channels ? image.quotient(i) * channels.divisor + c : i;
    return multiply(read_value(a, i), read_value(b, other));
  }
};

struct Pool {
  Tensor x;
  Extents result;
  int kernel, stride, padding;
  float factor;
  bool is_max;

  CARAT_SHARED float at(uint32_t i) const {
    const Place p = result.place(i);
    float value = is_max ? float_of(0xFF800000U) : 0.0F;
    for (int r = 0; r < kernel; ++r)
      for (int s = 0; s < kernel; ++s) {
        const int row = p.y * stride + r - padding;
        const int column = p.x * stride + s - padding;
        if (!x.holds(row, column)) continue;
        const float next = x.at(p.image, row, column, p.c);
        value = is_max ? (value < next ? next : value) : add(value, next);
      }
    return is_max ? value : multiply(value, factor);
  }
};

struct GlobalPool {
  Tensor x;
  Divisor channels;
  float factor;

  CARAT_SHARED float at(uint32_t i) const {
    const uint32_t image = channels.quotient(i);
    const int c = static_cast<int>(i - image * channels.divisor);
    float sum = 0.0F;
    for (int y = 0; y < x.height; ++y)
      for (int column = 0; column < x.width; ++column) sum = add(sum, x.at(image, y, column, c));
    return multiply(sum, factor);
  }
};

// Channels begin, begin + 1, ...
struct Slice {
  Tensor x;
  Divisor channels;
  int begin;

  CARAT_SHARED float at(uint32_t i) const {
    const uint32_t pixel = channels.quotient(i);
    const int64_t c = begin + static_cast<int64_t>(i - pixel * channels.divisor);
    return read_value(x.view, static_cast<int64_t>(pixel) * x.channels + c);
  }
};

struct Shuffle {
  Tensor x;
  Divisor channels, groups;

  CARAT_SHARED float at(uint32_t i) const {
    const uint32_t pixel = channels.quotient(i);
    const uint32_t c = i - pixel * channels.divisor;
    const uint32_t position = groups.quotient(c);
    const uint32_t from = (c - position * groups.divisor) * (channels.divisor / groups.divisor) + position;
    return read_value(x.view, static_cast<int64_t>(pixel) * x.channels + from);
  }
};

struct Upsample {
  Tensor x;
  Extents result;
  Divisor size;

  CARAT_SHARED float at(uint32_t i) const {
    const Place p = result.place(i);
    const auto row = static_cast<int>(size.quotient(static_cast<uint32_t>(p.y * x.height)));
    const auto column = static_cast<int>(size.quotient(static_cast<uint32_t>(p.x * x.width)));
    return x.at(p.image, row, column, p.c);
  }
};

struct Pad {
  Tensor x;
  Extents result;
  int padding;
  float fill;

  CARAT_SHARED float at(uint32_t i) const {
    const Place p = result.place(i);
    const int row = p.y - padding;
    const int column = p.x - padding;
    return x.holds(row, column) ? x.at(p.image, row, column, p.c) : fill;
  }
};

struct FloatConvolution {
  Tensor x;
  const float* weights;  // {C/groups, R, S, K}
  Extents result;
  Divisor group_kernels;
  int group_channels, rows, columns, stride, padding;

  CARAT_SHARED float at(uint32_t i) const {
    const Place p = result.place(i);
    const auto kernels = static_cast<int64_t>(result.channels.divisor);
    const int first = static_cast<int>(group_kernels.quotient(static_cast<uint32_t>(p.c))) * group_channels;
    float sum = 0.0F;
    for (int c = 0; c < group_channels; ++c)
      for (int r = 0; r < rows; ++r)
        for (int s = 0; s < columns; ++s) {
          const int row = p.y * stride + r - padding;
          const int column = p.x * stride + s - padding;
          if (!x.holds(row, column)) continue;
          const int64_t tap = (static_cast<int64_t>(c) * rows + r) * columns + s;
          sum = add(sum, multiply(weights[tap * kernels + p.c], x.at(p.image, row, column, first + c)));
        }
    return sum;
  }
};

}  // namespace carat::scalar
