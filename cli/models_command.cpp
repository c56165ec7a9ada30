// SPDX-License-Identifier: Apache-2.0
// carat models: what the zoo has, or the layers of one network.

#include "base/fail.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/parse.h"
#include "data/dataset.h"
#include "models/file/import.h"
#include "models/file/weights_at_hand.h"
#include "models/graph/dump.h"
#include "scoring/graph_walk.h"
#include "scoring/score_sheet.h"

namespace carat {
namespace {

namespace po = boost::program_options;

// The network before anybody quantized it; an activation quantizer of unsigned codes is its ReLU.
ModelGraph in_float32(const ModelGraph& graph) {
  std::vector<LayerSpec> layers = graph.layers();
  for (LayerSpec& layer : layers) {
    if (layer.op == OpKind::activation_quant) layer.op = OpKind::relu;
    layer.quant.reset();
    layer.has_unit_scale = false;
    layer.arithmetic = Arithmetic::float32;
  }
  return ModelGraph(graph.name(), std::move(layers));
}

double dense_score(const Walk& walk, const std::string& track) {
  return make_sheet(walk, policy_named("strict"), track_named(track), {}).score();
}

std::string at_hand(const ZooVariant& variant) {
  if (variant.weights_file.empty()) return "-";
  return weights_at_hand(variant) ? "yes" : "no";
}

std::string row_of(const ZooVariant& variant) {
  const ModelGraph graph = in_float32(build_network(variant).graph);
  const Walk walk = walk_network(graph, dense_counts(graph));
  return fmt::format("{:<24}{:>9}{:>13}{:>16}{:>10.4f}{:>10.4f}{:>7}{:>9}\n", variant.name,
                     fmt::format("{}x{}", variant.input.height, variant.input.width),
                     with_separators(variant.weights + variant.batch_norm_values + variant.biases),
                     with_separators(variant.mults), dense_score(walk, "imagenet"), dense_score(walk, "cifar100"),
                     variant.accuracy > 0.0 ? fmt::format("{:.2f}", variant.accuracy) : "-", at_hand(variant));
}

void list_models() {
  fmt::print("{:<24}{:>9}{:>13}{:>16}{:>10}{:>10}{:>7}{:>9}\n", "network", "pixels", "parameters", "multiplies",
             "imagenet", "cifar100", "top-1", "weights");
  std::string absent;
  for (const ZooEntry& entry : zoo())
    for (const ZooVariant& variant : entry.variants) {
      fmt::print("{}", row_of(variant));
      if (at_hand(variant) == "no") absent += fmt::format("    {:<20} {}\n", variant.name, weights_path(variant));
    }
  fmt::print(
      "\nimagenet, cifar100: score on that track with every parameter and operation in 32 bits. top-1: published, %.\n"
      "weights: are they at hand? '-': no file is known.\n{}{}\nfamilies and their options:\n",
      absent.empty() ? "" : "they would be at:\n", absent);
  for (const ZooEntry& entry : zoo()) {
    fmt::print("{:<14} {}\n", entry.name, entry.help);
    for (const ModelOption& option : entry.options)
      fmt::print("    {:<12} integer in [{}, {}], default {}: {}\n", option.name, option.lowest, option.highest,
                 option.default_value, option.help);
  }
}

// One line per tensor: our name, the layout's, the shape.
void list_names(const ZooNetwork& network, const std::string& name) {
  const Layout layout = layout_named(network, name);
  for (const auto& [buffer, shape] : buffer_shapes(network.graph))
    fmt::print("{} {} {}\n", buffer, foreign_name(network.graph, layout, buffer), fmt::join(shape, "x"));
}

}  // namespace

int models_command(const std::vector<std::string>& words) {
  std::string data;
  po::options_description options;
  std::string names;
  options.add_options()("graphviz", "a digraph for dot")("names", po::value(&names), "what a layout calls the tensors")(
      "data", po::value(&data), "data set that sets input shape and classes");
  const po::variables_map map = parse_words(words, options);
  const std::vector<std::string> arguments = arguments_of(map);
  if (arguments.empty()) {
    list_models();
    return 0;
  }
  const ZooVariant* named = zoo_variant(arguments[0]);
  const ZooVariant& variant = named != nullptr ? *named : zoo_entry(arguments[0]).variants.front();
  Shape input = variant.input;
  int64_t classes = variant.classes;
  if (!data.empty()) {
    const DatasetInfo info = describe({.name = data});
    input = {info.channels, info.height, info.width};
    classes = info.classes;
  }
  const ZooNetwork network =
      build_network(arguments[0], key_values({arguments.begin() + 1, arguments.end()}), input, classes);
  if (!names.empty())
    list_names(network, names);
  else
    fmt::print("{}", map.count("graphviz") != 0 ? to_graphviz(network.graph) : to_table(network.graph));
  return 0;
}

}  // namespace carat
