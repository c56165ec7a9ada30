// SPDX-License-Identifier: Apache-2.0
#include "models/weights/graph_json.h"

#include <nlohmann/json.hpp>

#include "base/fail.h"

namespace carat {
namespace {

using Json = nlohmann::json;

Json quant_to_json(const QuantSpec& quant) {
  Json json = {{"bits", quant.bits()},
               {"signed", quant.is_signed()},
               {"granularity", std::string(name_of(quant.granularity()))},
               {"rounding", std::string(name_of(quant.rounding()))}};
  if (quant.encoding() != Encoding::plain) json["encoding"] = std::string(name_of(quant.encoding()));
  if (quant.encoding() == Encoding::codebook) json["index_bits"] = quant.index_bits();
  if (quant.is_full_range() && quant.encoding() == Encoding::plain) json["full_range"] = true;
  if (quant.is_shifted()) json["shifted"] = true;
  return json;
}

QuantSpec quant_from_json(const Json& json) {
  const Rounding rounding = rounding_named(json.at("rounding").get<std::string>());
  const Granularity granularity = granularity_named(json.at("granularity").get<std::string>());
  const int64_t bits = json.at("bits");
  const auto encoding = json.value("encoding", std::string("plain"));
  if (encoding == "binary") return QuantSpec::binary(granularity);
  if (encoding == "ternary") return QuantSpec::ternary(granularity);
  if (encoding == "codebook") return QuantSpec::codebook(json.at("index_bits"), bits, granularity);
  require(encoding == "plain", "unknown encoding of weights '{}'", encoding);
  if (json.value("full_range", false)) return QuantSpec::full_range(bits, granularity, rounding);
  if (json.at("signed").get<bool>()) return QuantSpec::symmetric(bits, granularity, rounding);
  require(granularity == Granularity::tensor, "unsigned quantization has one scale per tensor");
  return json.value("shifted", false) ? QuantSpec::shifted_tensor(bits, rounding)
                                      : QuantSpec::unsigned_tensor(bits, rounding);
}

Json to_json(const Preprocessing& how) {
  return {{"mean", how.mean},
          {"deviation", how.deviation},
          {"resize", how.resize},
          {"interpolation", std::string(name_of(how.interpolation))},
          {"background_classes", how.background_classes}};
}

Preprocessing preprocessing_from_json(const Json& json) {
  Preprocessing how;
  json.at("mean").get_to(how.mean);
  json.at("deviation").get_to(how.deviation);
  json.at("resize").get_to(how.resize);
  how.interpolation = interpolation_named(json.at("interpolation").get<std::string>());
  json.at("background_classes").get_to(how.background_classes);
  require(how.resize <= (int64_t{1} << 20) && how.background_classes <= (int64_t{1} << 20),
          "preprocessing: illegal size");
  return how;
}

Json layer_to_json(const LayerSpec& layer) {
  static const LayerSpec kDefault;
  Json json = {{"name", layer.name}, {"op", std::string(name_of(layer.op))}};
  if (!layer.inputs.empty()) json["inputs"] = layer.inputs;
  if (layer.op == OpKind::input)
    json["shape"] = {layer.input_shape.channels, layer.input_shape.height, layer.input_shape.width};
  const auto put = [&](const char* key, const auto& value, const auto& usual) {
    if (value != usual) json[key] = value;
  };
  put("out_channels", layer.out_channels, kDefault.out_channels);
  put("kernel", layer.kernel, kDefault.kernel);
  put("stride", layer.stride, kDefault.stride);
  put("padding", layer.padding, kDefault.padding);
  put("extra_padding", layer.extra_padding, kDefault.extra_padding);
  put("groups", layer.groups, kDefault.groups);
  put("bias", layer.has_bias, kDefault.has_bias);
  put("epsilon", layer.epsilon, kDefault.epsilon);
  put("rate", layer.rate, kDefault.rate);
  put("size", layer.size, kDefault.size);
  put("fill", layer.fill, kDefault.fill);
  put("begin", layer.begin, kDefault.begin);
  put("masked", layer.is_masked, kDefault.is_masked);
  put("unit_scale", layer.has_unit_scale, kDefault.has_unit_scale);
  if (layer.preprocessing) json["preprocessing"] = to_json(*layer.preprocessing);
  if (layer.quant) json["quant"] = quant_to_json(*layer.quant);
  if (layer.block) json["block"] = {layer.block->kernels, layer.block->weights};
  if (layer.integer) {
    json["multiplier_bits"] = layer.integer->multiplier_bits;
    json["bias_bits"] = layer.integer->bias_bits;
    json["shift"] = layer.integer->shift;
  }
  if (layer.arithmetic != kDefault.arithmetic) json["arithmetic"] = std::string(name_of(layer.arithmetic));
  return json;
}

LayerSpec layer_from_json(const Json& json) {
  LayerSpec layer;
  layer.name = json.at("name");
  layer.op = op_named(json.at("op").get<std::string>());
  if (json.contains("inputs")) layer.inputs = json.at("inputs").get<std::vector<std::string>>();
  if (layer.op == OpKind::input) {
    const Json& shape = json.at("shape");
    layer.input_shape = {shape.at(0), shape.at(1), shape.at(2)};
  }
  const auto get = [&](const char* key, auto& value) {
    if (json.contains(key)) json.at(key).get_to(value);
  };
  get("out_channels", layer.out_channels);
  get("kernel", layer.kernel);
  get("stride", layer.stride);
  get("padding", layer.padding);
  get("extra_padding", layer.extra_padding);
  get("groups", layer.groups);
  get("bias", layer.has_bias);
  get("epsilon", layer.epsilon);
  get("rate", layer.rate);
  get("size", layer.size);
  get("fill", layer.fill);
  get("begin", layer.begin);
  get("masked", layer.is_masked);
  get("unit_scale", layer.has_unit_scale);
  if (json.contains("preprocessing")) layer.preprocessing = preprocessing_from_json(json.at("preprocessing"));
  if (json.contains("quant")) layer.quant = quant_from_json(json.at("quant"));
  if (json.contains("arithmetic")) layer.arithmetic = arithmetic_named(json.at("arithmetic").get<std::string>());
  if (json.contains("block")) layer.block = MaskBlock{json.at("block").at(0), json.at("block").at(1)};
  if (layer.arithmetic == Arithmetic::integer)
    layer.integer = IntegerScale{json.at("multiplier_bits"), json.at("bias_bits"), json.at("shift")};
  const MaskBlock block = layer.block.value_or(MaskBlock{});
  for (const int64_t extent : {block.kernels, block.weights, layer.out_channels, layer.kernel, layer.stride,
                               layer.padding, layer.extra_padding, layer.groups, layer.size, layer.begin,
                               layer.input_shape.channels, layer.input_shape.height, layer.input_shape.width})
    require(extent >= 0 && extent <= (int64_t{1} << 20), "layer {}: illegal extent {}", layer.name, extent);
  require(layer.fill >= -(int64_t{1} << 15) && layer.fill < (int64_t{1} << 16), "layer {}: illegal border {}",
          layer.name, layer.fill);
  return layer;
}

}  // namespace

std::string to_json(const ModelGraph& graph) {
  Json layers = Json::array();
  for (const LayerSpec& layer : graph.layers()) layers.push_back(layer_to_json(layer));
  return Json{{"name", graph.name()}, {"layers", layers}}.dump();
}

ModelGraph graph_from_json(const std::string& text, const std::string& origin) {
  try {
    const Json json = Json::parse(text);
    std::vector<LayerSpec> layers;
    for (const Json& layer : json.at("layers")) layers.push_back(layer_from_json(layer));
    return ModelGraph(json.at("name"), std::move(layers));
  } catch (const Json::exception& error) {
    fail("{}: expected a network as JSON, got an error: {}", origin, error.what());
  } catch (const Error& error) {
    fail("{}: {}", origin, error.what());
  }
}

}  // namespace carat
