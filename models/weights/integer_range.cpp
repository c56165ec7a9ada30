// SPDX-License-Identifier: Apache-2.0
#include "models/weights/integer_range.h"

#include <algorithm>
#include <limits>

#include "base/fail.h"
#include "models/graph/codes.h"

namespace carat {
namespace {

constexpr IntegerRange kInt32 = {std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()};
constexpr IntegerRange kExactFloat = {-(int64_t{1} << 24), int64_t{1} << 24};

bool fits(const IntegerRange& inner, const IntegerRange& outer) {
  return outer.holds(inner.lowest) && outer.holds(inner.highest);
}

class Ranges {
 public:
  explicit Ranges(const Model& model) : model_(model) {}

  std::map<std::string, IntegerRange> run() {
    for (const LayerSpec& layer : model_.graph.layers()) {
      if (holds_integers(model_.graph, layer.name))
        ranges_[layer.name] = range_of(layer);
      else if (has_weights(layer) && layer.quant && ranges_.contains(layer.inputs.front()))
        sums(layer);  // a bias follows
    }
    return std::move(ranges_);
  }

 private:
  const IntegerRange& input(const LayerSpec& layer) const { return ranges_.at(layer.inputs.front()); }

  IntegerRange range_of(const LayerSpec& layer) const {
    switch (layer.op) {
      case OpKind::input:
        return {0, 255};
      case OpKind::activation_quant:
        return {layer.quant->lowest_code(), layer.quant->highest_code()};
      case OpKind::table:
        return table(layer);
      case OpKind::scale:
        return scale(layer);
      case OpKind::conv:
      case OpKind::linear:
        return sums(layer);
      case OpKind::relu:
        return {std::max<int64_t>(0, input(layer).lowest), std::max<int64_t>(0, input(layer).highest)};
      case OpKind::add:
        return added(layer);
      default: {
        IntegerRange range = input(layer);
        for (const std::string& from : layer.inputs) range = united(range, ranges_.at(from));
        if (layer.op == OpKind::pad) range = united(range, {layer.fill, layer.fill});
        return range;
      }
    }
  }

  IntegerRange table(const LayerSpec& layer) const {
    const std::vector<float>& entries = model_.buffer(layer.name + ".table").values;
    const auto [lowest, highest] = std::minmax_element(entries.begin(), entries.end());
    return {static_cast<int64_t>(*lowest), static_cast<int64_t>(*highest)};
  }

  IntegerRange added(const LayerSpec& layer) const {
    IntegerRange sum;
    for (const std::string& from : layer.inputs) {
      sum.lowest += ranges_.at(from).lowest;
      sum.highest += ranges_.at(from).highest;
    }
    require(fits(sum, kExactFloat), "layer {}: its sum may reach {}, beyond the 24 bits that are exact", layer.name,
            std::max(-sum.lowest, sum.highest));
    return sum;
  }

  IntegerRange sums(const LayerSpec& layer) const {
    const IntegerRange range = sum_range(model_.buffer(layer.name + ".weight"), united(input(layer), {0, 0}));
    require(fits(range, kInt32), "layer {}: its sums may reach {}, beyond 32-bit integers", layer.name,
            std::max(-range.lowest, range.highest));
    return range;
  }

  IntegerRange scale(const LayerSpec& layer) const {
    const IntegerRange& in = input(layer);
    require(fits(in, kExactFloat), "layer {}: integer arithmetic on values up to {}: expected at most 24 bits",
            layer.name, std::max(-in.lowest, in.highest));
    const std::vector<float>& k = model_.buffer(layer.name + ".scale").values;
    const std::vector<float>* b = layer.has_bias ? &model_.buffer(layer.name + ".bias").values : nullptr;
    IntegerRange sum{std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()};
    for (size_t c = 0; c < k.size(); ++c) {
      const auto factor = static_cast<int64_t>(k[c]);
      const int64_t offset = b != nullptr ? static_cast<int64_t>((*b)[c]) : 0;
      const auto [low, high] = std::minmax(factor * in.lowest, factor * in.highest);
      sum = united(sum, united({low, high}, {low + offset, high + offset}));
    }
    const int64_t width = std::max(layer.integer->multiplier_bits + signed_bits(in), layer.integer->bias_bits);
    require(signed_bits(sum) <= width, "layer {}: its sums need {} bits, more than the {} that it is charged at",
            layer.name, signed_bits(sum), width);
    const IntegerRange result = {sum.lowest >> layer.integer->shift, sum.highest >> layer.integer->shift};
    require(fits(result, kExactFloat), "layer {}: results up to {}: expected at most 24 bits", layer.name,
            std::max(-result.lowest, result.highest));
    return result;
  }

  const Model& model_;
  std::map<std::string, IntegerRange> ranges_;
};

}  // namespace

IntegerRange united(const IntegerRange& a, const IntegerRange& b) {
  return {std::min(a.lowest, b.lowest), std::max(a.highest, b.highest)};
}

int64_t signed_bits(const IntegerRange& range) {
  int64_t bits = 1;
  while (range.lowest < -(int64_t{1} << (bits - 1)) || range.highest > (int64_t{1} << (bits - 1)) - 1) ++bits;
  return bits;
}

IntegerRange sum_range(const Buffer& weights, const IntegerRange& input) {
  const auto kernels = static_cast<size_t>(weights.shape[0]);
  const size_t size = weights.values.size() / kernels;
  IntegerRange range;
  for (size_t k = 0; k < kernels; ++k) {
    int64_t positive = 0;
    int64_t negative = 0;
    for (size_t i = k * size; i < (k + 1) * size; ++i)
      (weights.values[i] > 0.0F ? positive : negative) += static_cast<int64_t>(weights.values[i]);
    range.highest = std::max(range.highest, positive * input.highest + negative * input.lowest);
    range.lowest = std::min(range.lowest, positive * input.lowest + negative * input.highest);
  }
  return range;
}

std::map<std::string, IntegerRange> integer_ranges(const Model& model) { return Ranges(model).run(); }

}  // namespace carat
