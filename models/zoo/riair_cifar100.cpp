// SPDX-License-Identifier: Apache-2.0
// The final network of team RIAIR (CASIA) for CIFAR-100, winner of 2019: DenseNet-BC-100-12 with merged batch norm.
// Weights are codes of 4 bits (classifier 6), activations of 4 bits, Scale layers in fp16; the first convolution and
// the classifier read float32. Declared: Scale multiplies, ReLU and the pool's division 16 bits, bias and pool
// additions
// 32. Source: peiswang/MicroNetChallenge, branch cifar100.
#include "base/fail.h"
#include "models/zoo/builders.h"

namespace carat {
namespace {

constexpr int64_t kGrowth = 12;
constexpr int64_t kBlocks = 16;

class Builder {
 public:
  ZooNetwork build(const Shape& input, int64_t classes) {
    LayerSpec image;
    image.name = "input";
    image.op = OpKind::input;
    image.input_shape = input;
    image.arithmetic = Arithmetic::fp16;  // the published evaluation runs in half precision, the image included
    std::string x = scale("scale1", codes("conv1", net_.add(image), 24, 3), false);
    int64_t channels = 24;
    for (int64_t stage = 1; stage <= 3; ++stage) {
      for (int64_t i = 0; i < kBlocks; ++i) x = dense("dense" + std::to_string(stage) + "." + std::to_string(i), x);
      channels += kBlocks * kGrowth;
      if (stage == 3) break;
      channels /= 2;
      const std::string name = "trans" + std::to_string(stage);
      x = codes(name + ".conv1", quant(name + ".quant1", scale(name + ".scale1", x, true)), channels, 1);
      x = scale(name + ".scale2", pool(name + ".pool", x, 2), false);
    }
    x = scale("scale2", x, true);
    LayerSpec relu = layer("relu", OpKind::relu, x);
    relu.arithmetic = Arithmetic::fp16;
    x = pool("pool", net_.add(relu), 8);
    LayerSpec linear = layer("fc", OpKind::linear, x);
    linear.out_channels = classes;
    linear.quant = QuantSpec::full_range(6, Granularity::kernel);
    linear.has_unit_scale = linear.is_masked = true;
    scale("scale3", net_.add(linear), true);
    ModelGraph graph = net_.build();
    LayerNames names = LayerNames::same("published", graph);
    return {std::move(graph), std::move(names)};
  }

 private:
  static LayerSpec layer(const std::string& name, OpKind op, const std::string& from) {
    LayerSpec layer;
    layer.name = name;
    layer.op = op;
    layer.inputs = {from};
    return layer;
  }

  std::string codes(const std::string& name, const std::string& from, int64_t channels, int64_t kernel) {
    LayerSpec conv = layer(name, OpKind::conv, from);
    conv.out_channels = channels;
    conv.kernel = kernel;
    conv.padding = kernel / 2;
    conv.quant = QuantSpec::full_range(4, Granularity::kernel);
    conv.has_unit_scale = conv.is_masked = true;
    return net_.add(conv);
  }

  std::string scale(const std::string& name, const std::string& from, bool has_bias) {
    LayerSpec scale = layer(name, OpKind::scale, from);
    scale.arithmetic = Arithmetic::fp16;
    scale.has_bias = has_bias;
    return net_.add(scale);
  }

  std::string quant(const std::string& name, const std::string& from) {
    LayerSpec quant = layer(name, OpKind::activation_quant, from);
    quant.quant = QuantSpec::unsigned_tensor(4, Rounding::half_away);
    quant.has_unit_scale = true;
    return net_.add(quant);
  }

  std::string pool(const std::string& name, const std::string& from, int64_t size) {
    LayerSpec pool = layer(name, OpKind::avg_pool, from);
    pool.kernel = pool.stride = size;
    pool.arithmetic = Arithmetic::fp16;
    return net_.add(pool);
  }

  std::string dense(const std::string& name, const std::string& from) {
    std::string x = quant(name + ".quant1", scale(name + ".scale1", from, true));
    x = codes(name + ".conv1", x, 4 * kGrowth, 1);
    x = quant(name + ".quant2", scale(name + ".scale2", x, true));
    LayerSpec concat = layer(name + ".concat", OpKind::concat, from);
    concat.inputs.push_back(scale(name + ".scale3", codes(name + ".conv2", x, kGrowth, 3), false));
    return net_.add(concat);
  }

  GraphBuilder net_{"riair_cifar100"};
};

ZooNetwork build(const ModelValues& /*options*/, const Shape& input, int64_t classes) {
  require((input == Shape{3, 32, 32}) && classes == 100,
          "network riair_cifar100: expected 3x32x32 images and 100 classes, got {} and {}", to_text(input), classes);
  return Builder().build(input, classes);
}

// CIFAR-10's mean and deviation, and a division by 255 of the normalised image. Source: the entry's published code.
Preprocessing preprocessing() {
  Preprocessing how;
  how.mean = {0.49139968, 0.48215841, 0.44653091};
  how.deviation = {0.24703223 * 255.0, 0.24348513 * 255.0, 0.26158784 * 255.0};
  return how;
}

}  // namespace

ZooEntry riair_cifar100_entry() {
  return {"riair_cifar100",
          "the winner's final CIFAR-100 network of 2019: DenseNet-BC-100-12 on integer codes with Scale layers",
          {},
          {{.name = "riair_cifar100",
            .options = {},
            .input = {3, 32, 32},
            .classes = 100,
            .preprocessing = preprocessing(),
            .weights = 775944,
            .batch_norm_values = 0,
            .biases = 0,
            .mults = 287960472,
            .source = "peiswang/MicroNetChallenge, branch cifar100",
            .accuracy = 80.39,
            .accuracy_source = "peiswang/MicroNetChallenge, branch cifar100, README",
            .weights_file = "entries/casia-cifar100-int8.safetensors",
            .track = "cifar100"}},
          build};
}

}  // namespace carat
