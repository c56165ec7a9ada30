// SPDX-License-Identifier: Apache-2.0
// The layers of a packed model that are no convolution of bytes, batched, on a device: one operation, then element-wise
// layers on its result. What an operation is, kernels/float_ops.h, scale_channels.h and quantize.h say; every sum has
// their order.
//
// Values {N, H, W, C} lie in one of four forms; operations read them as float32 and compute in it. A value in another
// form than float32 holds whole numbers of that type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/code_range.h"
#include "kernels/unary.h"
#include "kernels/window.h"

namespace carat {

enum class ValueForm { uint8, int8, int32, float32 };

constexpr int64_t bytes_of(ValueForm form) { return form == ValueForm::uint8 || form == ValueForm::int8 ? 1 : 4; }

struct ValueView {
  const void* data = nullptr;
  ValueForm form = ValueForm::float32;
};

// y = element-wise layer of x, in channel c. k, b, table: float32.
struct ElementOp {
  enum class Kind {
    scale,    // k[c] * x + b[c], two roundings
    strict,   // the same with product and sum rounded to fp16
    integer,  // floor((k[c] * x + b[c]) / 2^shift), exact
    bias,     // x + b[c]
    quantize,
    table,  // table[x - lowest]
    unary
  };
  Kind kind = Kind::scale;
  const float* k = nullptr;
  const float* b = nullptr;  // may be null, then nothing is added
  const float* table = nullptr;
  int64_t lowest = 0;
  int64_t shift = 0;
  CodeRange range = {};
  Unary unary = Unary::relu;
};

constexpr int kMostElementOps = 8;

// Where results go, and through which element-wise layers. The operation's channels are channels
// first_channel, ... of the `channels` of the destination; element-wise layers count them so too.
struct LayerFinish {
  ElementOp ops[kMostElementOps] = {};
  int count = 0;
  void* data = nullptr;
  ValueForm form = ValueForm::float32;
  int64_t channels = 1;
  int64_t first_channel = 0;
};

enum class LayerKind {
  image,     // the input: uint8 {N, C, H, W}, see ImageRule
  copy,      // y = x
  add,       // inputs from left to right
  multiply,  // the second input {N, H, W, C} or {N, 1, 1, C}
  max_pool,
  avg_pool,
  global_avg_pool,
  slice,  // channels begin, ...
  shuffle,
  upsample,
  pad,       // a border of `fill`
  convolve,  // sums over c, r, s of w * x in float32
  linear     // the same with a window as large as the image
};

// code, or code / 255, or (code / 255 - mean[c]) / deviation[c], or that rounded to fp16.
struct ImageRule {
  enum class Kind { codes, unit, normalized, half } kind = Kind::codes;
  const float* mean = nullptr;
  const float* deviation = nullptr;
};

constexpr size_t kMostAdded = 16;

struct LayerOp {
  LayerKind kind = LayerKind::copy;
  int64_t batch = 1;
  Window window;                  // channels, height, width: of the first input
  std::vector<ValueView> inputs;  // at most 16 for add
  bool second_is_channels = false;
  int64_t begin = 0;               // slice; its result has window.out_channels
  int64_t size = 0;                // upsample
  float fill = 0.0F;               // pad
  const float* weights = nullptr;  // convolve, linear: {C/groups, R, S, K}
  ImageRule image;
};

// Extents of the result of one image.
struct LayerExtents {
  int64_t channels;
  int64_t height;
  int64_t width;
};
LayerExtents extents_of(const LayerOp& op);
const char* name_of(LayerKind kind);

// Image by image through the specifications.
void run_layer(const LayerOp& op, const LayerFinish& finish);
// Device pointers on a CUDA stream. Throws Error for 2^31 or more results, and in a build without CUDA.
void run_layer_cuda(const LayerOp& op, const LayerFinish& finish, void* stream);

}  // namespace carat
