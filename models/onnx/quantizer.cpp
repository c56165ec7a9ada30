// SPDX-License-Identifier: Apache-2.0
#include "models/onnx/layer_writer.h"

namespace carat {
namespace {

// Whole numbers as float32. half_away is sign(x) * floor(|x| + 0.5); where negative codes are clamped to 0 anyway,
// floor(x + 0.5).
std::string rounded(const OnnxLayer& layer, const std::string& x) {
  GraphWriter& graph = layer.graph;
  const QuantSpec& quant = *layer.spec.quant;
  if (quant.rounding() == Rounding::half_even) return graph.node("Round", {x}, layer.part("rounded"));
  const std::string half = graph.scalar(0.5F);
  if (!quant.is_signed()) {
    const std::string shifted = graph.node("Add", {x, half}, layer.part("shifted"));
    return graph.node("Floor", {shifted}, layer.part("rounded"));
  }
  const std::string size = graph.node("Abs", {x}, layer.part("magnitude"));
  const std::string shifted = graph.node("Add", {size, half}, layer.part("shifted"));
  const std::string whole = graph.node("Floor", {shifted}, layer.part("floor"));
  return graph.node("Mul", {graph.node("Sign", {x}, layer.part("sign")), whole}, layer.part("rounded"));
}

std::string clamped(const OnnxLayer& layer, const std::string& x, const std::string& name) {
  GraphWriter& graph = layer.graph;
  const QuantSpec& quant = *layer.spec.quant;
  const std::string lowest = graph.scalar(static_cast<float>(quant.lowest_code()));
  const std::string highest = graph.scalar(static_cast<float>(quant.highest_code()));
  return graph.node("Clip", {x, lowest, highest}, name);
}

// real = scale * clamp(round(x / scale)).
void write_real(const OnnxLayer& layer) {
  GraphWriter& graph = layer.graph;
  if (layer.spec.has_unit_scale) {
    clamped(layer, rounded(layer, layer.x()), layer.name());
    return;
  }
  const float scale = layer.model.buffer(layer.name() + ".scale").values[0];
  const std::string inverse = graph.floats(layer.part("inverse_scale"), {}, {1.0F / scale});
  const std::string scaled = graph.node("Mul", {layer.x(), inverse}, layer.part("scaled"));
  const std::string codes = clamped(layer, rounded(layer, scaled), layer.part("codes"));
  graph.node("Mul", {codes, graph.floats(layer.name() + ".scale", {}, {scale})}, layer.name());
}

}  // namespace

// QuantizeLinear rounds half to even and saturates at its type; a narrower range takes a Clip before it. Whole numbers
// are rounded once more: that keeps a runtime from merging the quantizer with the sums before it. The type of the codes
// is an attribute: ONNX Runtime 1.32 cannot move a quantizer with a signed zero point past a Reshape.
void write_quantizer(const OnnxLayer& layer) {
  if (layer.numbers == OnnxNumbers::real) return write_real(layer);
  constexpr int64_t kWidestByte = 8;
  GraphWriter& graph = layer.graph;
  const QuantSpec& quant = *layer.spec.quant;
  const bool is_byte = quant.bits() <= kWidestByte;
  const OnnxType type = quant.is_signed() ? (is_byte ? onnx::TensorProto::INT8 : onnx::TensorProto::INT16)
                                          : (is_byte ? onnx::TensorProto::UINT8 : onnx::TensorProto::UINT16);
  std::string x = layer.x();
  if (quant.rounding() == Rounding::half_away || layer.input.whole) x = rounded(layer, x);
  if (quant.lowest_code() > lowest_of(type) || quant.highest_code() < highest_of(type))
    x = clamped(layer, x, layer.part("clamped"));
  const std::string one = graph.scalar(1.0F);
  const std::string codes =
      graph.node("QuantizeLinear", {x, one}, layer.part("codes"), {attribute("output_dtype", int64_t{type})});
  graph.node("DequantizeLinear", {codes, one}, layer.name());
}

}  // namespace carat
