// SPDX-License-Identifier: Apache-2.0
// A fused network for 1x12x12 images: ternary, binary and codebook weights, integer Scale layers and tables.
#pragma once

#include "tests/onnx/every_op.h"

namespace carat {

class EveryKind : CodeLayers {
 public:
  EveryKind() : CodeLayers("every_kind") {}

  Model build() {
    const std::string image = net_.input({1, 12, 12});
    const QuantSpec small = QuantSpec::unsigned_tensor(4);
    std::string x = weights("ternary", image, {.out_channels = 8, .kernel = 3}, QuantSpec::ternary(kAll));
    x = table("table", quant("first.quant", integer("first.scale", x, 7), small), QuantSpec::symmetric(3, kAll));
    x = weights("book", x, {.out_channels = 6, .kernel = 3, .stride = 2}, QuantSpec::codebook(2, 6, kAll));
    x = quant("second.quant", integer("second.scale", x, 8), QuantSpec::symmetric(5, kAll, Rounding::half_away));
    x = weights("binary", x, {.out_channels = 8}, QuantSpec::binary(kAll));
    x = quant("third.quant", scale("third.scale", x, Arithmetic::fp16_strict, true), small);
    x = table("last.table", x, QuantSpec::unsigned_tensor(8));
    net_.linear("classifier", net_.unary(OpKind::global_avg_pool, "pool", x), 10);
    return numbers(net_.build());
  }

 private:
  std::string integer(const std::string& name, const std::string& from, int64_t shift) {
    LayerSpec layer;
    layer.name = name;
    layer.op = OpKind::scale;
    layer.inputs = {from};
    layer.arithmetic = Arithmetic::integer;
    layer.integer = IntegerScale{6, 16, shift};
    layer.has_bias = true;
    return net_.add(layer);
  }

  std::string table(const std::string& name, const std::string& from, const QuantSpec& spec) {
    LayerSpec layer;
    layer.name = name;
    layer.op = OpKind::table;
    layer.inputs = {from};
    layer.quant = spec;
    layer.has_unit_scale = true;
    return net_.add(layer);
  }

  static Model numbers(const ModelGraph& graph) {
    Model model = initialize(graph, 1);
    Random random({1, "every_kind", "numbers", 0});
    const auto between = [&](int64_t lowest, int64_t highest) {
      return static_cast<float>(lowest + random.below(highest - lowest + 1));
    };
    for (const LayerSpec& layer : graph.layers()) {
      const std::string& name = layer.name;
      if (layer.op == OpKind::table)
        for (float& code : model.buffer(name + ".table").values)
          code = between(layer.quant->lowest_code(), layer.quant->highest_code());
      if (layer.op == OpKind::scale)
        for (float& k : model.buffer(name + ".scale").values)
          k = layer.integer ? between(-31, 31) : round_to_half(0.3F * (static_cast<float>(random.uniform()) - 0.3F));
      if (layer.op == OpKind::scale)
        for (float& b : model.buffer(name + ".bias").values) b = layer.integer ? between(-2000, 2000) : between(0, 9);
      if (!has_weights(layer) || !layer.quant) continue;
      for (float& code : model.buffer(name + ".weight").values) {
        if (layer.quant->encoding() == Encoding::ternary) code = between(-1, 1);
        if (layer.quant->encoding() == Encoding::binary) code = 2.0F * between(0, 1) - 1.0F;
        if (layer.quant->encoding() == Encoding::codebook)
          code = model.buffer(name + ".codebook").values[static_cast<size_t>(random.below(4))];
      }
    }
    check_model(model);
    return model;
  }
};

}  // namespace carat
