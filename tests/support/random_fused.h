// SPDX-License-Identifier: Apache-2.0
// Random fused networks that hold every kind the packed format knows: encodings and masks of weights, arithmetics of
// Scale layers, tables, signed and unsigned codes, strides, groups, residuals, dense connections, pools.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "base/half.h"
#include "base/random.h"
#include "models/graph/storage.h"
#include "models/weights/model.h"

namespace carat {

class RandomFused {
 public:
  explicit RandomFused(int64_t seed) : random_({seed, "test", "fused", 0}) {}

  Model make() {
    LayerSpec image;
    image.name = "input";
    image.op = OpKind::input;
    image.input_shape = {1 + random_.below(4), 3 + random_.below(12), 3 + random_.below(12)};
    if (random_.below(3) == 0)
      image.preprocessing =
          Preprocessing{.mean = std::vector<double>(static_cast<size_t>(image.input_shape.channels), 0.4),
                        .deviation = std::vector<double>(static_cast<size_t>(image.input_shape.channels), 0.25)};
    layers_.push_back(image);
    std::string x = codes(scale(weights("stem", "input", 4 + random_.below(8)), false));
    for (int i = 0; i < 3; ++i) x = block("block" + std::to_string(i), x);
    std::string pooled = op(random_.below(2) == 0 ? OpKind::global_avg_pool : OpKind::relu, "last", {x});
    scale(weights("classifier", codes(pooled), 5, true), false);
    return numbers(ModelGraph("fused", layers_));
  }

 private:
  LayerSpec& add(OpKind op, const std::string& name, const std::vector<std::string>& from) {
    LayerSpec layer;
    layer.name = name;
    layer.op = op;
    layer.inputs = from;
    layers_.push_back(layer);
    return layers_.back();
  }
  std::string op(OpKind op, const std::string& name, const std::vector<std::string>& from) {
    return add(op, name, from).name;
  }
  Shape shape(const std::string& name) const {
    std::vector<LayerSpec> open = layers_;
    LayerSpec end;
    end.name = "end";
    end.op = OpKind::concat;
    std::vector<Shape> shapes;
    for (const LayerSpec& layer : open) {
      std::vector<Shape> inputs;
      for (const std::string& from : layer.inputs)
        for (size_t i = 0; i < shapes.size(); ++i)
          if (open[i].name == from) inputs.push_back(shapes[i]);
      shapes.push_back(infer_shape(layer, inputs));
      if (layer.name == name) return shapes.back();
    }
    return {};
  }

  std::string weights(const std::string& name, const std::string& from, int64_t channels, bool linear = false) {
    const Shape in = shape(from);
    LayerSpec& layer = add(linear ? OpKind::linear : OpKind::conv, name, {from});
    layer.out_channels = channels;
    if (!linear) {
      layer.kernel = 1 + random_.below(3);
      layer.padding = random_.below(layer.kernel);
      layer.extra_padding = layer.padding < layer.kernel - 1 ? random_.below(2) : 0;
      layer.stride = 1 + random_.below(2);
      while (in.height + 2 * layer.padding < layer.kernel || in.width + 2 * layer.padding < layer.kernel)
        layer.kernel = layer.stride = 1, layer.padding = layer.extra_padding = 0;
      if (in.channels % 2 == 0 && channels % 2 == 0 && random_.below(3) == 0) layer.groups = 2;
    }
    const auto per = random_.below(2) == 0 ? Granularity::kernel : Granularity::tensor;
    layer.is_masked = true;
    switch (random_.below(6)) {
      case 0:
        layer.quant = QuantSpec::binary(per);
        break;
      case 1:
        layer.quant = QuantSpec::ternary(per);
        break;
      case 2:
        layer.quant = QuantSpec::codebook(2 + random_.below(2), 6, per);
        break;
      case 3:
        layer.quant = QuantSpec::full_range(8, per);
        break;
      default:
        layer.quant = QuantSpec::symmetric(2 + random_.below(7), per);
    }
    layer.has_unit_scale = true;
    const bool may_block = layer.quant->encoding() == Encoding::plain || layer.quant->encoding() == Encoding::ternary;
    if (may_block && random_.below(3) == 0) layer.block = MaskBlock{1 + random_.below(3), 1 + random_.below(4)};
    return name;
  }

  std::string scale(const std::string& from, bool may_be_integer) {
    LayerSpec& layer = add(OpKind::scale, from + ".scale", {from});
    layer.has_bias = random_.below(3) > 0;
    const int64_t kind = random_.below(may_be_integer ? 5 : 3);
    layer.arithmetic = kind == 0 ? Arithmetic::float32 : kind == 1 ? Arithmetic::fp16 : Arithmetic::fp16_strict;
    if (kind >= 3) {
      layer.arithmetic = Arithmetic::integer;
      layer.integer = IntegerScale{8, 18, 8};
    }
    return layer.name;
  }

  std::string codes(const std::string& from) {
    LayerSpec& layer = add(OpKind::activation_quant, from + ".quant", {from});
    const Rounding rounding = random_.below(2) == 0 ? Rounding::half_even : Rounding::half_away;
    const int64_t bits = 2 + random_.below(7);
    layer.quant = random_.below(3) > 0 ? QuantSpec::unsigned_tensor(bits, rounding)
                                       : QuantSpec::symmetric(bits, Granularity::tensor, rounding);
    layer.has_unit_scale = true;
    const std::string name = layer.name;
    if (random_.below(3) > 0) return name;
    LayerSpec& table = add(OpKind::table, name + ".table", {name});
    table.quant = QuantSpec::unsigned_tensor(3);
    table.has_unit_scale = true;
    return table.name;
  }

  // A border of one code, or a pool, between a quantizer and what multiplies its codes.
  std::string moved(const std::string& name, const std::string& from) {
    const LayerSpec source =
        *std::find_if(layers_.begin(), layers_.end(), [&](const auto& l) { return l.name == from; });
    if (!source.quant || random_.below(2) == 0) return from;
    LayerSpec& layer = add(random_.below(3) > 0 ? OpKind::pad : OpKind::max_pool, name + ".moved", {from});
    layer.padding = random_.below(2);
    layer.extra_padding = layer.op == OpKind::pad ? random_.below(2) : 0;
    layer.kernel = layer.op == OpKind::pad ? 1 : 2;
    layer.fill = layer.op == OpKind::pad ? source.quant->highest_code() / 2 : 0;
    if (layer.op == OpKind::max_pool) layer.padding = 1;
    return layer.name;
  }

  std::string block(const std::string& name, const std::string& input) {
    const std::string from = moved(name, input);
    const std::string inner = scale(weights(name + ".a", from, 4 + 2 * random_.below(4)), true);
    const std::string act = random_.below(2) == 0 ? inner : op(OpKind::hard_swish, name + ".act", {inner});
    const std::string q = codes(act);
    LayerSpec& same = (weights(name + ".b", q, shape(q).channels), layers_.back());
    same.stride = 1;
    same.kernel = 3;
    same.padding = 1;
    same.extra_padding = 0;
    const std::string b = scale(name + ".b", false);
    const std::string joined =
        random_.below(2) == 0 ? op(OpKind::add, name + ".sum", {b, q}) : op(OpKind::concat, name + ".cat", {q, b});
    if (random_.below(3) > 0) return codes(scale(joined, false));
    LayerSpec& pool = add(random_.below(2) == 0 ? OpKind::max_pool : OpKind::avg_pool, name + ".pool", {joined});
    pool.kernel = shape(joined).height > 2 && shape(joined).width > 2 ? 2 : 1;
    pool.stride = pool.kernel;
    return codes(pool.name);
  }

  // Numbers on their grids; sums stay small enough for codes to vary.
  Model numbers(const ModelGraph& graph) {
    Model model = initialize(graph, 1);
    for (const LayerSpec& layer : graph.layers()) {
      if (has_weights(layer)) fill_weights(model, layer);
      if (layer.op == OpKind::table)
        for (float& code : model.buffer(layer.name + ".table").values) code = static_cast<float>(random_.below(8));
      if (layer.op != OpKind::scale) continue;
      for (float& k : model.buffer(layer.name + ".scale").values)
        k = layer.integer ? static_cast<float>(random_.below(255) - 127)
                          : round_to_half(static_cast<float>(random_.normal() * 0.05));
      if (!layer.has_bias) continue;
      for (float& b : model.buffer(layer.name + ".bias").values)
        b = layer.integer ? static_cast<float>(random_.below(4000) - 2000)
                          : round_to_half(static_cast<float>(random_.below(64)) / 8.0F);
    }
    check_model(model);
    return model;
  }

  void fill_weights(Model& model, const LayerSpec& layer) {
    Buffer& weights = model.buffer(layer.name + ".weight");
    SparsityMask& mask = model.masks.at(layer.name);
    const auto count = static_cast<int64_t>(weights.values.size());
    const BlockCounts blocks = block_counts(layer, count);
    std::vector<uint8_t> kept(static_cast<size_t>(blocks.rows * blocks.columns));
    const int64_t dense = random_.below(4);
    for (uint8_t& k : kept) k = dense == 0 || random_.below(3) == 0 ? 1 : 0;
    const std::vector<float> book = layer.quant->encoding() == Encoding::codebook
                                        ? model.buffer(layer.name + ".codebook").values
                                        : std::vector<float>{};
    for (int64_t i = 0; i < count; ++i) {
      const auto at = static_cast<size_t>(i);
      mask.kept[at] = layer.block ? kept[static_cast<size_t>(block_of(layer, count, i))]
                                  : static_cast<uint8_t>(dense == 0 || random_.below(3) == 0 ? 1 : 0);
      if (mask.kept[at] == 0) {
        weights.values[at] = 0.0F;
        continue;
      }
      const int64_t lowest = layer.quant->lowest_code();
      float code = static_cast<float>(lowest + random_.below(layer.quant->highest_code() - lowest + 1));
      if (layer.quant->encoding() == Encoding::binary) code = random_.below(2) == 0 ? -1.0F : 1.0F;
      if (!book.empty()) code = book[static_cast<size_t>(random_.below(static_cast<int64_t>(book.size())))];
      weights.values[at] = code;
      if (code == 0.0F && !layer.block) mask.kept[at] = 0;
    }
  }

  Random random_;
  std::vector<LayerSpec> layers_;
};

}  // namespace carat
