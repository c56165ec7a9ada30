// SPDX-License-Identifier: Apache-2.0
// Element-wise layers applied to a stretch of one channel while it is in the cache.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/finish_row.h"
#include "kernels/float_ops.h"
#include "models/weights/model.h"

namespace carat {

class RowOps {
 public:
  explicit RowOps(const Model& model) : model_(&model) {}

  // Layers that can follow here: Scale layers, quantizers, tables, activation functions.
  static bool takes(OpKind op);
  void add(const LayerSpec& layer);
  // A factor for every channel, known when it runs; the first of the ops.
  void add_factors();
  // y + bias of a convolution.
  void add_bias(const float* bias);
  bool empty() const { return ops_.empty(); }

  struct Place {
    int64_t channel;
    float* row;                      // scratch of n floats
    const float* factors = nullptr;  // of every channel, after add_factors
  };
  // The ops on n sums or values of a channel. X: int16_t, int32_t or float; Y: uint8_t, int16_t or float. Codes must
  // fit Y.
  template <typename X, typename Y>
  void run(const X* x, int64_t n, const Place& place, Y* y) const;

 private:
  struct Op {
    enum class Kind { finish, unary, table, integer } kind = Kind::finish;
    RowFinish finish;
    const float* k = nullptr;
    const float* b = nullptr;
    const float* second_k = nullptr;
    const float* second_b = nullptr;
    bool takes_factor = false;
    Unary unary = Unary::relu;
    const float* table = nullptr;
    int64_t lowest = 0;
    int64_t shift = 0;
  };

  // The last op can take a quantizer, or a second Scale layer.
  bool is_open() const;
  bool takes_second() const;
  static RowFinish finish_of(const Op& op, const Place& place);
  static void run_op(const Op& op, int64_t n, const Place& place);

  const Model* model_;
  std::vector<Op> ops_;
};

}  // namespace carat
