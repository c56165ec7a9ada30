// SPDX-License-Identifier: Apache-2.0
// A fused network of the layers that RandomFused leaves out: a normalised fp16 image, convolutions and linear layers in
// floating point with bias, squeeze and excite, shuffles, slices, upsampling, and codes behind a bias.
#pragma once

#include <string>
#include <vector>

#include "base/random.h"
#include "models/weights/model.h"

namespace carat {

class FloatMix {
 public:
  explicit FloatMix(int64_t seed) : random_({seed, "test", "float mix", 0}) {}

  // code_bits: of the activations that a convolution reads; weight_bits: of its weights.
  Model make(int64_t code_bits = 8, int64_t weight_bits = 4) {
    LayerSpec& image = add(OpKind::input, "input", {});
    image.input_shape = {6, 9, 7};
    image.preprocessing =
        Preprocessing{.mean = {0.5, 0.4, 0.3, 0.2, 0.1, 0.6}, .deviation = {0.2, 0.3, 0.4, 0.5, 0.6, 0.7}};
    image.arithmetic = Arithmetic::fp16;
    LayerSpec& stem = weights("stem", "input", 8, OpKind::conv);
    stem.kernel = 3;
    stem.stride = 1 + random_.below(2);
    stem.padding = 1;
    stem.extra_padding = random_.below(2);
    stem.groups = 2;
    add(OpKind::relu6, "relu6", {"stem"});
    add(OpKind::global_avg_pool, "squeeze", {"relu6"});
    weights("gate", "squeeze", 8, OpKind::conv);
    add(OpKind::sigmoid, "sigmoid", {"gate"});
    add(OpKind::multiply, "excited", {"relu6", "sigmoid"});
    add(OpKind::shuffle, "shuffled", {"excited"}).groups = 1 + random_.below(2);
    LayerSpec& slice = add(OpKind::slice, "sliced", {"shuffled"});
    slice.begin = random_.below(3);
    slice.out_channels = 5;
    add(OpKind::upsample, "larger", {"sliced"}).size = 10 + random_.below(6);
    LayerSpec& border = add(OpKind::pad, "bordered", {"larger"});
    border.padding = 1;
    border.extra_padding = 1;
    border.fill = 1;
    add(OpKind::dropout, "dropped", {"bordered"});
    add_scale("scaled", "dropped", Arithmetic::fp16_strict);
    add_codes("codes", "scaled", QuantSpec::symmetric(code_bits, Granularity::tensor, Rounding::half_away));
    LayerSpec& conv = weights("conv", "codes", 6, OpKind::conv);
    conv.kernel = 2;
    conv.quant = QuantSpec::symmetric(weight_bits, Granularity::kernel);
    conv.has_unit_scale = true;
    add_scale("conv.scale", "conv", Arithmetic::float32);
    add(OpKind::swish, "swish", {"conv.scale"});
    add(OpKind::hard_sigmoid, "hard_sigmoid", {"conv.scale"});
    add(OpKind::multiply, "product", {"swish", "hard_sigmoid"});
    add(OpKind::add, "sum", {"product", "swish", "product"});
    LayerSpec& pool = add(OpKind::avg_pool, "pooled", {"sum"});
    pool.kernel = 3;
    pool.stride = 2;
    pool.padding = 1;
    add_codes("pooled.codes", "pooled", QuantSpec::symmetric(6, Granularity::tensor));
    // Images that are not square, and such that are.
    add_codes("sliced.codes", "sliced", QuantSpec::unsigned_tensor(4));
    code_head("head", "pooled.codes");
    code_head("wide_head", "sliced.codes");
    weights("float_head", "pooled", 4, OpKind::linear);
    weights("wide_float_head", "sliced", 4, OpKind::linear);
    add(OpKind::concat, "both", {"head.scale", "wide_head.scale", "float_head", "wide_float_head"});
    return numbers(ModelGraph("float mix", layers_));
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
  LayerSpec& weights(const std::string& name, const std::string& from, int64_t channels, OpKind op) {
    LayerSpec& layer = add(op, name, {from});
    layer.out_channels = channels;
    layer.has_bias = true;
    return layer;
  }
  void code_head(const std::string& name, const std::string& from) {
    LayerSpec& head = weights(name, from, 16, OpKind::linear);
    head.quant = QuantSpec::full_range(8, Granularity::tensor);
    head.has_unit_scale = true;
    head.has_bias = false;
    add_scale(name + ".scale", name, Arithmetic::fp16);
  }
  void add_scale(const std::string& name, const std::string& from, Arithmetic arithmetic) {
    LayerSpec& layer = add(OpKind::scale, name, {from});
    layer.has_bias = true;
    layer.arithmetic = arithmetic;
  }
  void add_codes(const std::string& name, const std::string& from, const QuantSpec& quant) {
    LayerSpec& layer = add(OpKind::activation_quant, name, {from});
    layer.quant = quant;
    layer.has_unit_scale = true;
  }

  Model numbers(const ModelGraph& graph) {
    Model model = initialize(graph, 1);
    for (auto& [name, buffer] : model.buffers) {
      const LayerSpec& layer = graph.layer(name.substr(0, name.rfind('.')));
      const bool is_codes = layer.quant && name.ends_with(".weight");
      for (float& value : buffer.values) {
        const float real = static_cast<float>(random_.below(2001) - 1000) / 1024.0F;
        value = is_codes
                    ? static_cast<float>(random_.below(2 * layer.quant->highest_code()) - layer.quant->highest_code())
                    : (layer.op == OpKind::scale && layer.name != "scaled" ? real / 32.0F : 4.0F * real);
      }
    }
    check_model(model);
    return model;
  }

  Random random_;
  std::vector<LayerSpec> layers_;
};

}  // namespace carat
