// SPDX-License-Identifier: Apache-2.0
#include "models/graph/dump.h"

#include <fmt/format.h>

#include "base/text.h"

namespace carat {
namespace {

std::string describe(const LayerSpec& layer) {
  std::string text{name_of(layer.op)};
  switch (layer.op) {
    case OpKind::conv:
      text += fmt::format(" {}x{}", layer.kernel, layer.kernel);
      if (layer.stride > 1) text += fmt::format("/{}", layer.stride);
      if (layer.groups > 1) text += fmt::format(" groups {}", layer.groups);
      break;
    case OpKind::slice:
      text += fmt::format(" from {}", layer.begin);
      break;
    case OpKind::shuffle:
      text += fmt::format(" groups {}", layer.groups);
      break;
    case OpKind::max_pool:
    case OpKind::avg_pool:
      text += fmt::format(" {}x{}/{}", layer.kernel, layer.kernel, layer.stride);
      break;
    case OpKind::dropout:
      text += fmt::format(" {}", layer.rate);
      break;
    case OpKind::upsample:
      text += fmt::format(" to {}", layer.size);
      break;
    case OpKind::pad:
      text += fmt::format(" {} of {}", layer.padding, layer.fill);
      break;
    case OpKind::scale:
      text += fmt::format(" {}", name_of(layer.arithmetic));
      if (layer.integer)
        text +=
            fmt::format(" {}+{}>>{}", layer.integer->multiplier_bits, layer.integer->bias_bits, layer.integer->shift);
      break;
    default:
      break;
  }
  if (layer.has_bias) text += " +bias";
  return text;
}

std::string compression(const LayerSpec& layer) {
  std::string text = layer.is_masked ? "masked" : "";
  if (layer.block) text += fmt::format(" {}x{}", layer.block->kernels, layer.block->weights);
  if (!layer.quant) return text;
  if (!text.empty()) text += " ";
  if (layer.quant->encoding() != Encoding::plain) text += fmt::format("{} ", name_of(layer.quant->encoding()));
  return text + fmt::format("{}int{}{}", layer.quant->is_signed() ? "" : "u", layer.quant->bits(),
                            layer.has_unit_scale        ? " codes"
                            : layer.quant->is_shifted() ? " shifted"
                                                        : "");
}

}  // namespace

std::string to_table(const ModelGraph& graph) {
  std::string table = fmt::format("{:<24} {:<22} {:<14} {:>10}  {:<18} {}\n", "layer", "operation", "result", "weights",
                                  "compression", "inputs");
  for (const LayerSpec& layer : graph.layers()) {
    const std::string weights = has_weights(layer) ? with_separators(graph.weight_count(layer)) : "";
    table += fmt::format("{:<24} {:<22} {:<14} {:>10}  {:<18} {}\n", layer.name, describe(layer),
                         to_text(graph.shape_of(layer.name)), weights, compression(layer), join(layer.inputs, ", "));
  }
  return table;
}

std::string to_graphviz(const ModelGraph& graph) {
  std::string text = fmt::format("digraph \"{}\" {{\n  node [shape=box, fontname=\"sans-serif\"];\n", graph.name());
  for (const LayerSpec& layer : graph.layers()) {
    const std::string packed = compression(layer);
    text += fmt::format("  \"{}\" [label=\"{}\\n{}{}\\n{}\"];\n", layer.name, layer.name, describe(layer),
                        packed.empty() ? "" : " " + packed, to_text(graph.shape_of(layer.name)));
    for (const std::string& from : layer.inputs) text += fmt::format("  \"{}\" -> \"{}\";\n", from, layer.name);
  }
  return text + "}\n";
}

}  // namespace carat
