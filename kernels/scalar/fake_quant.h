// SPDX-License-Identifier: Apache-2.0
// The operations of kernels/fake_quant.h, element by element.
#pragma once

#include "kernels/fake_quant.h"
#include "kernels/scalar/elementwise.h"

namespace carat::scalar {

// values[i / size]; one value for all when count is 1.
struct Scales {
  const float* values;
  Divisor size;
  bool is_one;
  CARAT_SHARED float at(int64_t i) const {
    return is_one ? values[0] : values[size.quotient(static_cast<uint32_t>(i))];
  }
};

CARAT_SHARED bool is_inside(float position, const CodeGrid& grid) {
  return position >= grid.lowest && position <= grid.highest;
}

CARAT_SHARED float grid_code(float position, const CodeGrid& grid, int64_t i) {
  const float whole = round_code(position, grid.rounding, grid.seed, static_cast<uint64_t>(i));
  return clamp_code(whole, grid.lowest, grid.highest);
}

CARAT_SHARED uint8_t byte_of(float code) { return code == code ? static_cast<uint8_t>(static_cast<int>(code)) : 0; }

struct Scaled {
  float x, scale;
};

struct ScaledCodes {
  const float* x;
  Scales inverse;
  CodeGrid grid;
  float* codes;
  using Loaded = Scaled;
  CARAT_SHARED Scaled load(int64_t i) const { return {x[i], inverse.at(i)}; }
  CARAT_SHARED void store(int64_t i, const Scaled& v) const { codes[i] = grid_code(multiply(v.x, v.scale), grid, i); }
};

struct ScaledBytes {
  const float* x;
  Scales inverse;
  CodeGrid grid;
  uint8_t* codes;
  using Loaded = Scaled;
  CARAT_SHARED Scaled load(int64_t i) const { return {x[i], inverse.at(i)}; }
  CARAT_SHARED void store(int64_t i, const Scaled& v) const {
    codes[i] = byte_of(grid_code(multiply(v.x, v.scale), grid, i));
  }
};

struct Dequantize {
  const float* codes;
  Scales scales;
  float* x;
  using Loaded = Scaled;
  CARAT_SHARED Scaled load(int64_t i) const { return {codes[i], scales.at(i)}; }
  CARAT_SHARED void store(int64_t i, const Scaled& v) const { x[i] = one_nan(multiply(v.scale, v.x)); }
};

struct FakeQuantize {
  const float* x;
  Scales inverse;
  Scales scales;
  CodeGrid grid;
  FakeQuantResult result;
  struct Loaded {
    float x, inverse, scale;
  };
  CARAT_SHARED Loaded load(int64_t i) const { return {x[i], inverse.at(i), scales.at(i)}; }
  CARAT_SHARED void store(int64_t i, const Loaded& v) const {
    const float position = multiply(v.x, v.inverse);
    result.values[i] = one_nan(multiply(v.scale, grid_code(position, grid, i)));
    result.inside[i] = is_inside(position, grid) ? 1 : 0;
  }
};

struct StraightThrough {
  CodeGradient gradient;
  Scales inverse;
  CodeGrid grid;
  struct Loaded {
    float g, x, inverse;
  };
  CARAT_SHARED Loaded load(int64_t i) const { return {gradient.g[i], gradient.x[i], inverse.at(i)}; }
  CARAT_SHARED void store(int64_t i, const Loaded& v) const {
    gradient.dx[i] = is_inside(multiply(v.x, v.inverse), grid) ? one_nan(multiply(v.g, v.inverse)) : 0.0F;
  }
};

// Checks n and the scales' count. Throws Error naming the kernel.
Scales scales_of(const char* kernel, const ScaleList& list, int64_t n);

}  // namespace carat::scalar
