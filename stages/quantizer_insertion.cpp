// SPDX-License-Identifier: Apache-2.0
#include "stages/quantizer_insertion.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "base/fail.h"
#include "models/graph/codes.h"

namespace carat {
namespace {

constexpr int64_t kFloatBits = 32;

bool is_nonnegative(const ModelGraph& graph, const std::string& name) {
  const LayerSpec& layer = graph.layer(name);
  switch (layer.op) {
    case OpKind::input:
      return !input_is_normalized(graph);
    case OpKind::relu:
    case OpKind::relu6:
    case OpKind::sigmoid:
    case OpKind::hard_sigmoid:
      return true;
    case OpKind::add:
    case OpKind::multiply:
    case OpKind::concat:
    case OpKind::max_pool:
    case OpKind::avg_pool:
    case OpKind::global_avg_pool:
    case OpKind::upsample:
    case OpKind::slice:
    case OpKind::shuffle:
    case OpKind::dropout:
      return std::all_of(layer.inputs.begin(), layer.inputs.end(),
                         [&](const std::string& from) { return is_nonnegative(graph, from); });
    default:
      return false;
  }
}

class Inserter {
 public:
  Inserter(const ModelGraph& graph, const InsertionOptions& options)
      : graph_(graph), options_(options), is_plain_(!input_is_normalized(graph)) {}

  ModelGraph run() {
    for (const LayerSpec& layer : graph_.layers())
      if (has_weights(layer)) wanted_[layer.inputs.front()].insert(input_bits(layer));
    for (const LayerSpec& layer : graph_.layers()) add(layer);
    return ModelGraph(graph_.name(), layers_);
  }

 private:
  bool is_image(const std::string& name) const { return name == graph_.input().name; }

  int64_t input_bits(const LayerSpec& layer) const {
    constexpr int64_t kImageBits = 8;
    const int64_t bits = options_.bits_of(layer);
    return is_image(layer.inputs.front()) ? std::max(kImageBits, bits) : bits;
  }

  std::string quantizer_name(const std::string& source, int64_t bits) const {
    return wanted_.at(source).size() == 1 ? source + ".quant" : fmt::format("{}.quant{}", source, bits);
  }

  QuantSpec spec(const std::string& source, int64_t bits, bool is_biased) const {
    if (is_nonnegative(graph_, source)) return QuantSpec::unsigned_tensor(bits, options_.rounding);
    const bool shifts = options_.shift == "always" || (options_.shift == "functions" && is_biased);
    return shifts ? QuantSpec::shifted_tensor(bits, options_.rounding)
                  : QuantSpec::symmetric(bits, Granularity::tensor, options_.rounding);
  }

  void add_quantizer(const std::string& name, const std::string& source, const QuantSpec& quant) {
    LayerSpec quantizer;
    quantizer.name = name;
    quantizer.op = OpKind::activation_quant;
    quantizer.inputs = {source};
    quantizer.quant = quant;
    layers_.push_back(quantizer);
  }

  bool becomes_table(const LayerSpec& layer) const {
    if (options_.table_bits == 0 || !can_be_table(layer.op) || is_image(layer.inputs.front())) return false;
    if (graph_.shape_of(layer.name).elements() < options_.table_elements) return false;
    const auto readers = graph_.consumers(layer.name);
    return !readers.empty() && std::all_of(readers.begin(), readers.end(), [&](const auto& reader) {
      const LayerSpec& by = graph_.layer(reader);
      return has_weights(by) && input_bits(by) != kFloatBits;
    });
  }

  void add(LayerSpec layer) {
    const std::string name = layer.name;
    if (becomes_table(layer)) {
      add_quantizer(name + ".input", layer.inputs.front(), spec(layer.inputs.front(), options_.table_bits, true));
      layer.inputs = {name + ".input"};
    }
    if (has_weights(layer)) {
      const std::string source = layer.inputs.front();
      const bool reads_plain_image = is_image(source) && is_plain_;
      if (!reads_plain_image && input_bits(layer) != kFloatBits)
        layer.inputs = {quantizer_name(source, input_bits(layer))};
    }
    layers_.push_back(layer);
    if (!wanted_.contains(name) || (layer.op == OpKind::input && is_plain_)) return;
    const bool is_biased = layer.op == OpKind::swish || layer.op == OpKind::hard_swish;
    for (const int64_t bits : wanted_.at(name))
      if (bits != kFloatBits) add_quantizer(quantizer_name(name, bits), name, spec(name, bits, is_biased));
  }

  const ModelGraph& graph_;
  const InsertionOptions& options_;
  bool is_plain_;
  std::map<std::string, std::set<int64_t>> wanted_;
  std::vector<LayerSpec> layers_;
};

}  // namespace

ModelGraph without_quantizers(const ModelGraph& graph) {
  std::map<std::string, std::string> source;  // of a quantizer that goes
  std::vector<LayerSpec> layers;
  for (LayerSpec layer : graph.layers()) {
    require(layer.op != OpKind::scale && !layer.has_unit_scale,
            "quantize: the network is already fused; put quantize before fuse");
    if (layer.op == OpKind::activation_quant) {
      source[layer.name] = layer.inputs.front();
      continue;
    }
    for (std::string& from : layer.inputs)
      if (const auto found = source.find(from); found != source.end()) from = found->second;
    layer.quant.reset();
    layers.push_back(layer);
  }
  return ModelGraph(graph.name(), layers);
}

bool can_be_table(OpKind op) {
  return op == OpKind::swish || op == OpKind::hard_swish || op == OpKind::sigmoid || op == OpKind::hard_sigmoid ||
         op == OpKind::relu6;
}

ModelGraph insert_quantizers(const ModelGraph& graph, const InsertionOptions& options) {
  return Inserter(graph, options).run();
}

}  // namespace carat
