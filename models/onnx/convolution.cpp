// SPDX-License-Identifier: Apache-2.0
#include "base/fail.h"
#include "models/onnx/layer_writer.h"

namespace carat {
namespace {

// Codes as an integer initializer, and the float32 values of them. A runtime does not fold this node into the
// convolution, which keeps the Scale layer's multiply out of the weights.
std::string dequantized_weights(const OnnxLayer& layer, const std::vector<int64_t>& shape) {
  const QuantSpec& quant = *layer.spec.quant;
  const std::string codes =
      layer.graph.codes(layer.name() + ".weight", shape, layer.model.buffer(layer.name() + ".weight").values,
                        code_type(quant.lowest_code(), quant.highest_code()));
  return layer.graph.node("DequantizeLinear", {codes, layer.graph.scalar(1.0F)}, layer.part("weight"));
}

std::string weights(const OnnxLayer& layer, const std::vector<int64_t>& shape) {
  if (layer.numbers == OnnxNumbers::codes && layer.spec.quant) return dequantized_weights(layer, shape);
  return layer.graph.floats(layer.name() + ".weight", shape, layer.model.buffer(layer.name() + ".weight").values);
}

std::string bias(const OnnxLayer& layer, const std::vector<int64_t>& shape) {
  return layer.graph.floats(layer.name() + ".bias", shape, layer.model.buffer(layer.name() + ".bias").values);
}

// {1, K, 1, 1}: against a value {N, K, H, W}.
std::vector<int64_t> per_channel(const OnnxLayer& layer) { return {1, layer.spec.out_channels, 1, 1}; }

// A bias that is added after the sums, as the executor adds it.
void add_bias(const OnnxLayer& layer, const std::string& sums) {
  if (layer.spec.has_bias) layer.graph.node("Add", {sums, bias(layer, per_channel(layer))}, layer.name());
}

std::string sums_name(const OnnxLayer& layer) { return layer.spec.has_bias ? layer.part("sums") : layer.name(); }

}  // namespace

void write_conv(const OnnxLayer& layer) {
  if (layer.must_be_exact() && !(layer.input.whole && layer.spec.quant)) {
    add_bias(layer, ordered_convolution(layer, sums_name(layer)));
    return;
  }
  OnnxAttributes attributes = window_attributes(layer.spec);
  attributes.push_back(attribute("group", layer.spec.groups));
  std::vector<std::string> inputs = {layer.x(), weights(layer, layer.model.graph.weight_shape(layer.spec))};
  if (layer.numbers == OnnxNumbers::codes) {
    add_bias(layer, layer.graph.node("Conv", inputs, sums_name(layer), attributes));
    return;
  }
  if (layer.spec.has_bias) inputs.push_back(bias(layer, {layer.spec.out_channels}));
  layer.graph.node("Conv", inputs, layer.name(), attributes);
}

// On codes: a convolution as large as the input, which a runtime does not turn into an integer matrix product of
// narrower accumulators.
void write_linear(const OnnxLayer& layer) {
  const Shape& in = layer.in();
  if (layer.numbers == OnnxNumbers::codes) {
    require(!layer.must_be_exact() || (layer.input.whole && layer.spec.quant),
            "layer {}: sums of real numbers that decide codes, and ONNX fixes no order of sums: export with --float",
            layer.name());
    const std::string w = weights(layer, {layer.spec.out_channels, in.channels, in.height, in.width});
    const OnnxAttributes window = {attribute("kernel_shape", std::vector<int64_t>{in.height, in.width})};
    add_bias(layer, layer.graph.node("Conv", {layer.x(), w}, sums_name(layer), window));
    return;
  }
  std::vector<std::string> inputs = {layer.graph.node("Flatten", {layer.x()}, layer.part("flat")),
                                     weights(layer, {layer.spec.out_channels, in.elements()})};
  if (layer.spec.has_bias) inputs.push_back(bias(layer, {layer.spec.out_channels}));
  const std::string product = layer.is_last() ? layer.name() : layer.part("product");
  layer.graph.node("Gemm", inputs, product, {attribute("transB", int64_t{1})});
  if (layer.is_last()) return;
  const std::string shape = layer.graph.integers(layer.part("shape"), {0, layer.spec.out_channels, 1, 1});
  layer.graph.node("Reshape", {product, shape}, layer.name());
}

void write_batch_norm(const OnnxLayer& layer) {
  require(!layer.must_be_exact(),
          "layer {}: a batch norm that decides codes: run the fuse stage first, or export with --float", layer.name());
  std::vector<std::string> inputs = {layer.x()};
  for (const char* buffer : {".weight", ".bias", ".running_mean", ".running_var"}) {
    const Buffer& values = layer.model.buffer(layer.name() + buffer);
    inputs.push_back(layer.graph.floats(layer.name() + buffer, values.shape, values.values));
  }
  layer.graph.node("BatchNormalization", inputs, layer.name(),
                   {attribute("epsilon", static_cast<float>(layer.spec.epsilon))});
}

}  // namespace carat
