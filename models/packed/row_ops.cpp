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
  op.finish.scale = {.is_used = true, .has_bias = true};
  op.b = bias;
  ops_.push_back(op);
}

void RowOps::add_factors() {
  Op op;
  op.finish.scale.is_used = true;
  op.takes_factor = true;
  ops_.push_back(op);
}

bool RowOps::is_open() const {
  return !ops_.empty() && ops_.back().kind == Op::Kind::finish && !ops_.back().finish.quantizes;
}

bool RowOps::takes_second() const { return is_open() && !ops_.back().finish.second.is_used; }

void RowOps::add(const LayerSpec& layer) {
  Op op;
  if (layer.op == OpKind::activation_quant) {
    const CodeRange range = {static_cast<float>(layer.quant->lowest_code()),
                             static_cast<float>(layer.quant->highest_code()),
                             layer.quant->rounding() == Rounding::half_away};
    // A quantizer behind a Scale layer joins it.
    if (!is_open()) ops_.push_back(op);
    ops_.back().finish.quantizes = true;
    ops_.back().finish.range = range;
    return;
  }
  const bool is_unary = layer.op != OpKind::scale && layer.op != OpKind::table;
  if (is_unary && is_open() && !ops_.back().finish.has_unary && !ops_.back().finish.second.is_used) {
    ops_.back().finish.has_unary = true;
    ops_.back().finish.unary = unary_of(layer.op);
    return;
  }
  if (layer.op == OpKind::scale) {
    const RowScale scale = {
        .is_used = true, .is_strict = layer.arithmetic == Arithmetic::fp16_strict, .has_bias = layer.has_bias};
    const float* k = model_->buffer(layer.name + ".scale").values.data();
    const float* b = layer.has_bias ? model_->buffer(layer.name + ".bias").values.data() : nullptr;
    if (!layer.integer && takes_second()) {
      ops_.back().finish.second = scale;
      ops_.back().second_k = k;
      ops_.back().second_b = b;
      return;
    }
    op.kind = layer.integer ? Op::Kind::integer : Op::Kind::finish;
    op.finish.scale = scale;
    op.k = k;
    op.b = b;
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

RowFinish RowOps::finish_of(const Op& op, const Place& place) {
  const int64_t channel = place.channel;
  RowFinish finish = op.finish;
  if (op.k != nullptr) finish.scale.k = op.k[channel];
  if (op.takes_factor) finish.scale.k = place.factors[channel];
  if (op.b != nullptr) finish.scale.b = op.b[channel];
  if (op.second_k != nullptr) finish.second.k = op.second_k[channel];
  if (op.second_b != nullptr) finish.second.b = op.second_b[channel];
  return finish;
}

void RowOps::run_op(const Op& op, int64_t n, const Place& place) {
  float* row = place.row;
  const int64_t channel = place.channel;
  switch (op.kind) {
    case Op::Kind::finish:
      return finish_row(row, n, finish_of(op, place), row);
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
void RowOps::run(const X* x, int64_t n, const Place& place, Y* y) const {
  float* row = place.row;
  const auto finishes = [&](size_t i) { return i < ops_.size() && ops_[i].kind == Op::Kind::finish; };
  size_t next = finishes(0) ? 1 : 0;
  const RowFinish first = next == 1 ? finish_of(ops_[0], place) : RowFinish{};
  if (next == ops_.size()) return finish_row(x, n, first, y);
  finish_row(x, n, first, row);
  const bool ends = finishes(ops_.size() - 1) && ops_.size() > next;
  for (const size_t end = ops_.size() - (ends ? 1 : 0); next < end; ++next) run_op(ops_[next], n, place);
  finish_row(row, n, ends ? finish_of(ops_.back(), place) : RowFinish{}, y);
}

#define CARAT_RUN(X)                                                          \
  template void RowOps::run(const X*, int64_t, const Place&, uint8_t*) const; \
  template void RowOps::run(const X*, int64_t, const Place&, int16_t*) const; \
  template void RowOps::run(const X*, int64_t, const Place&, float*) const;
CARAT_RUN(int16_t)
CARAT_RUN(int32_t)
CARAT_RUN(float)
#undef CARAT_RUN

}  // namespace carat
