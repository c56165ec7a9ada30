// SPDX-License-Identifier: Apache-2.0
#include "models/packed/row_ops.h"

#include "kernels/scale_channels.h"
#include "kernels/unary_row.h"
#include "models/graph/codes.h"
#include "models/packed/window_of.h"

namespace carat {

bool RowOps::takes(OpKind op) {
  switch (op) {
    case OpKind::scale:
    case OpKind::activation_quant:
    case OpKind::table:
    case OpKind::relu:
    case OpKind::relu6:
    case OpKind::swish:
    case OpKind::hard_swish:
    case OpKind::sigmoid:
    case OpKind::hard_sigmoid:
      return true;
    default:
      return false;
  }
}

void RowOps::add_bias(const float* bias) {
  Op op;
  op.finish.has_scale = op.finish.has_bias = true;
  op.b = bias;
  ops_.push_back(op);
}

void RowOps::add(const LayerSpec& layer) {
  Op op;
  if (layer.op == OpKind::activation_quant) {
    const CodeRange range = {static_cast<float>(layer.quant->lowest_code()),
                             static_cast<float>(layer.quant->highest_code()),
                             layer.quant->rounding() == Rounding::half_away};
    // A quantizer behind a Scale layer joins it.
    if (ops_.empty() || ops_.back().kind != Op::Kind::finish || ops_.back().finish.quantizes) ops_.push_back(op);
    ops_.back().finish.quantizes = true;
    ops_.back().finish.range = range;
    return;
  }
  if (layer.op == OpKind::scale) {
    op.kind = layer.integer ? Op::Kind::integer : Op::Kind::finish;
    op.finish.has_scale = true;
    op.finish.is_strict = layer.arithmetic == Arithmetic::fp16_strict;
    op.finish.has_bias = layer.has_bias;
    op.k = model_->buffer(layer.name + ".scale").values.data();
    if (layer.has_bias) op.b = model_->buffer(layer.name + ".bias").values.data();
    if (layer.integer) op.shift = layer.integer->shift;
  } else if (layer.op == OpKind::table) {
    op.kind = Op::Kind::table;
    op.table = model_->buffer(layer.name + ".table").values.data();
    op.lowest = codes_of(model_->graph, layer.inputs.front())->lowest_code();
  } else {
    op.kind = Op::Kind::unary;
    op.unary = unary_of(layer.op);
  }
  ops_.push_back(op);
}

RowFinish RowOps::finish_of(const Op& op, int64_t channel) {
  RowFinish finish = op.finish;
  if (op.k != nullptr) finish.k = op.k[channel];
  if (op.b != nullptr) finish.b = op.b[channel];
  return finish;
}

void RowOps::run_op(const Op& op, int64_t n, int64_t channel, float* row) {
  switch (op.kind) {
    case Op::Kind::finish:
      return finish_row(row, n, finish_of(op, channel), row);
    case Op::Kind::unary:
      return unary_row(op.unary, row, n, row);
    case Op::Kind::table:
      for (int64_t i = 0; i < n; ++i) row[i] = op.table[static_cast<int64_t>(row[i]) - op.lowest];
      return;
    case Op::Kind::integer:
      scale_channels_integer(row, {1, n}, {op.k + channel, op.b != nullptr ? op.b + channel : nullptr, op.shift}, row);
  }
}

template <typename X, typename Y>
void RowOps::run(const X* x, int64_t n, int64_t channel, float* row, Y* y) const {
  const bool starts = !ops_.empty() && ops_.front().kind == Op::Kind::finish;
  const RowFinish first = starts ? finish_of(ops_.front(), channel) : RowFinish{};
  if (ops_.size() == (starts ? 1U : 0U)) return finish_row(x, n, first, y);
  finish_row(x, n, first, row);
  for (size_t i = starts ? 1 : 0; i < ops_.size(); ++i) run_op(ops_[i], n, channel, row);
  finish_row(row, n, RowFinish{}, y);
}

#define CARAT_RUN(X)                                                             \
  template void RowOps::run(const X*, int64_t, int64_t, float*, uint8_t*) const; \
  template void RowOps::run(const X*, int64_t, int64_t, float*, int16_t*) const; \
  template void RowOps::run(const X*, int64_t, int64_t, float*, float*) const;
CARAT_RUN(int16_t)
CARAT_RUN(int32_t)
CARAT_RUN(float)
#undef CARAT_RUN

}  // namespace carat
