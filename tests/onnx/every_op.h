// SPDX-License-Identifier: Apache-2.0
// Fused networks for 1x12x12 images: every operation that ONNX export knows on codes, and every quantizer on ties.
#pragma once

#include <fmt/format.h>

#include "base/half.h"
#include "base/random.h"
#include "models/graph/builder.h"
#include "models/weights/model.h"

namespace carat {

// Layers on codes, added to a graph.
class CodeLayers {
 protected:
  explicit CodeLayers(const std::string& name) : net_(name) {}

  std::string quant(const std::string& name, const std::string& from, QuantSpec spec) {
    LayerSpec layer;
    layer.name = name;
    layer.op = OpKind::activation_quant;
    layer.inputs = {from};
    layer.quant = spec;
    layer.has_unit_scale = true;
    return net_.add(layer);
  }

  std::string codes(const std::string& name, const std::string& from, const GraphBuilder::Conv& conv, int64_t bits) {
    return weights(name, from, conv, QuantSpec::symmetric(bits, Granularity::kernel));
  }

  std::string weights(const std::string& name, const std::string& from, const GraphBuilder::Conv& conv,
                      const QuantSpec& spec) {
    GraphBuilder alone("shape");
    LayerSpec image;
    image.name = from;
    image.input_shape = net_.shape_of(from);
    alone.add(image);
    alone.conv(name, from, conv);
    LayerSpec layer = alone.build().layers().back();
    layer.quant = spec;
    layer.has_unit_scale = true;
    return net_.add(layer);
  }

  std::string scale(const std::string& name, const std::string& from, Arithmetic arithmetic, bool has_bias) {
    LayerSpec layer;
    layer.name = name;
    layer.op = OpKind::scale;
    layer.inputs = {from};
    layer.arithmetic = arithmetic;
    layer.has_bias = has_bias;
    return net_.add(layer);
  }

  static constexpr Granularity kAll = Granularity::tensor;
  GraphBuilder net_;
};

class EveryOp : CodeLayers {
 public:
  EveryOp() : CodeLayers("every_op") {}

  Model build() {
    Model model = initialize(graph(), 1);
    for (const LayerSpec& layer : model.graph.layers()) {
      if (has_weights(layer) && layer.quant) fill_codes(layer, model.buffer(layer.name + ".weight"));
      if (has_weights(layer) && layer.has_bias) fill(model.buffer(layer.name + ".bias"), 0.0, 0.5);
      if (layer.op == OpKind::scale) fill_scale(layer, model);
    }
    return model;
  }

 private:
  ModelGraph graph() {
    const std::string narrow = stem_and_groups();
    const std::string taken = net_.slice("slice", net_.shuffle("shuffle", narrow, 2), 2, 4);
    const std::string direct = quant("direct.quant", codes("bytes", taken, {.out_channels = 6, .kernel = 3}, 8),
                                     QuantSpec::symmetric(8, kAll));
    const std::string average = net_.pool(OpKind::avg_pool, "avg_pool", "grouped.scale", {3, 1, 1});
    const std::string away = quant("away.quant", average, QuantSpec::symmetric(6, kAll, Rounding::half_away));
    const std::string largest = net_.pool(OpKind::max_pool, "max_pool", away, {3, 2, 1});
    LayerSpec border;
    border.name = "pad";
    border.op = OpKind::pad;
    border.inputs = {largest};
    border.padding = 1;
    border.fill = 3;
    const std::string bordered = net_.pool(OpKind::max_pool, "pad.pool", net_.add(border), {3, 1, 0});
    const std::string twice = net_.upsample("upsample.whole", bordered, 6);
    const std::string odd = net_.upsample("upsample.odd", largest, 5);
    const std::string both = net_.join(OpKind::concat, "concat", {direct, twice});
    const std::string joined =
        scale("joined.scale", codes("joined", both, {.out_channels = 8}, 2), Arithmetic::fp16, false);
    const std::string excited = squeeze_and_excite(net_.unary(OpKind::relu, "relu", joined), odd);
    const std::string wide = quant("wide.quant", excited, QuantSpec::symmetric(12, kAll));
    const std::string sum = net_.join(OpKind::add, "whole.add", {net_.dropout("dropout", wide, 0.5), twice, away});
    const std::string last = quant("sum.quant", sum, QuantSpec::full_range(8, kAll));
    const std::string soft = net_.unary(OpKind::sigmoid, "sigmoid", net_.unary(OpKind::swish, "swish", last));
    net_.linear("classifier", net_.unary(OpKind::global_avg_pool, "last.pool", soft), 10);
    return net_.build();
  }

  std::string stem_and_groups() {
    LayerSpec image;
    image.name = "input";
    image.input_shape = {1, 12, 12};
    image.preprocessing = Preprocessing{.mean = {0.47}, .deviation = {0.23}};
    GraphBuilder::Conv stem = {.out_channels = 4, .kernel = 3, .has_bias = true};
    const std::string x = net_.unary(OpKind::relu6, "relu6", net_.conv("stem", net_.add(image), stem));
    const std::string q =
        quant("stem.quant", scale("stem.scale", x, Arithmetic::float32, true), QuantSpec::unsigned_tensor(4));
    const GraphBuilder::Conv grouped = {
        .out_channels = 8, .kernel = 3, .stride = 2, .groups = 2, .padding = Padding::same};
    const std::string y = scale("grouped.scale", codes("grouped", q, grouped, 4), Arithmetic::fp16, true);
    const std::string both =
        net_.join(OpKind::add, "hard_swish.add", {net_.unary(OpKind::hard_swish, "hard_swish", y), y});
    return quant("narrow.quant", both, QuantSpec::symmetric(3, kAll));
  }

  std::string squeeze_and_excite(const std::string& x, const std::string& other) {
    const std::string mean = net_.unary(OpKind::global_avg_pool, "squeeze.pool", x);
    const std::string whole_mean = net_.unary(OpKind::global_avg_pool, "whole.pool", other);
    const std::string q = quant("squeeze.quant", net_.join(OpKind::add, "squeeze.add", {mean, whole_mean}),
                                QuantSpec::unsigned_tensor(8, Rounding::half_away));
    LayerSpec linear;
    linear.name = "excite";
    linear.op = OpKind::linear;
    linear.inputs = {q};
    linear.out_channels = 8;
    linear.has_bias = true;
    linear.quant = QuantSpec::symmetric(6, Granularity::kernel);
    linear.has_unit_scale = true;
    const std::string y = scale("excite.scale", net_.add(linear), Arithmetic::fp16_strict, true);
    return net_.join(OpKind::multiply, "multiply", {x, net_.unary(OpKind::hard_sigmoid, "hard_sigmoid", y)});
  }

  static void fill_codes(const LayerSpec& layer, Buffer& weights) {
    Random random({1, "every_op", layer.name, 0});
    const int64_t codes = layer.quant->highest_code() - layer.quant->lowest_code() + 1;
    for (float& w : weights.values) w = static_cast<float>(layer.quant->lowest_code() + random.below(codes));
  }

  void fill(Buffer& buffer, double middle, double spread) {
    for (float& value : buffer.values) value = static_cast<float>(middle + spread * (2.0 * random_.uniform() - 1.0));
  }

  void fill_scale(const LayerSpec& layer, Model& model) {
    const double k = layer.name == "stem.scale"      ? 4.0
                     : layer.name == "grouped.scale" ? 0.1
                     : layer.name == "joined.scale"  ? 3.0
                                                     : 0.0005;
    Buffer& factors = model.buffer(layer.name + ".scale");
    fill(factors, k, 0.7 * k);
    if (layer.has_bias) fill(model.buffer(layer.name + ".bias"), 0.0, 2.0);
    if (layer.arithmetic == Arithmetic::float32) return;
    for (float& value : factors.values) value = round_to_half(value);
    if (layer.has_bias)
      for (float& value : model.buffer(layer.name + ".bias").values) value = round_to_half(value);
  }

  Random random_{{1, "every_op", "numbers", 0}};
};

// Multiples of a quarter before every kind of quantizer.
class EveryQuantizer : CodeLayers {
 public:
  EveryQuantizer() : CodeLayers("every_quantizer") {}

  Model build() {
    const std::string image = net_.input({1, 12, 12});
    const std::string quarter = scale("quarter", codes("conv", image, {.out_channels = 7}, 4), Arithmetic::fp16, true);
    std::vector<std::string> all;
    for (const Rounding rounding : {Rounding::half_even, Rounding::half_away})
      for (const int64_t bits : {2, 4, 7, 8, 9, 16}) {
        const std::string name = fmt::format("{}{}", name_of(rounding), bits);
        all.push_back(quant("unsigned_" + name, quarter, QuantSpec::unsigned_tensor(bits, rounding)));
        all.push_back(quant("symmetric_" + name, quarter, QuantSpec::symmetric(bits, kAll, rounding)));
        all.push_back(quant("full_" + name, quarter, QuantSpec::full_range(bits, kAll, rounding)));
      }
    net_.linear("classifier", net_.unary(OpKind::global_avg_pool, "pool", net_.join(OpKind::concat, "concat", all)),
                10);
    Model model = initialize(net_.build(), 1);
    model.buffer("conv.weight").values = {7, -7, 1, -1, 3, -2, 0};
    for (float& k : model.buffer("quarter.scale").values) k = 0.25F;
    model.buffer("quarter.bias").values = {0, 0, 0, 0.25F, -30.5F, 100, 2.5F};
    return model;
  }
};

}  // namespace carat
