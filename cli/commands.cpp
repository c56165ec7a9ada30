// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "base/fail.h"
#include "base/file.h"
#include "base/parallel.h"
#include "cli/parse.h"
#include "data/dataset.h"
#include "evaluation/command.h"
#include "models/graph/dump.h"
#include "models/packed/packed_model.h"
#include "models/weights/model.h"
#include "models/zoo/zoo.h"

namespace carat {
namespace {

namespace po = boost::program_options;

std::string file_argument(const po::variables_map& map) {
  const std::vector<std::string> arguments = arguments_of(map);
  if (arguments.size() != 1) throw UsageError("expected one packed file");
  return arguments[0];
}

void list_models() {
  for (const ZooEntry& entry : zoo()) {
    fmt::print("{:<14} {}\n", entry.name, entry.help);
    for (const ModelOption& option : entry.options)
      fmt::print("    {:<12} integer in [{}, {}], default {}: {}\n", option.name, option.lowest, option.highest,
                 option.default_value, option.help);
  }
}

// One line per tensor: our name, the layout's, the shape. The layout "carat" is our own.
void list_names(const ZooNetwork& network, const std::string& layout) {
  const auto& layouts = network.names.layouts();
  const auto found = layouts.find(layout);
  if (found == layouts.end() && layout != "carat") {
    std::string known = "carat";
    for (const auto& [name, layers] : layouts) known += ", " + name;
    throw UsageError(fmt::format("--names: expected one of {}, got {}", known, layout));
  }
  for (const auto& [name, shape] : buffer_shapes(network.graph)) {
    const size_t dot = name.rfind('.');
    std::string theirs = name.substr(0, dot);
    if (found != layouts.end() && found->second.contains(theirs)) theirs = found->second.at(theirs);
    fmt::print("{} {}{} {}\n", name, theirs, name.substr(dot), fmt::join(shape, "x"));
  }
}

int models_command(const std::vector<std::string>& words) {
  po::options_description options;
  options.add_options()("graphviz", "a digraph for dot")("names", po::value<std::string>(),
                                                         "what the tensors are called in this layout")(
      "data", po::value<std::string>()->default_value("fashion_mnist"), "data set that sets input shape and classes");
  const po::variables_map map = parse_words(words, options);
  const std::vector<std::string> arguments = arguments_of(map);
  if (arguments.empty()) {
    list_models();
    return 0;
  }
  std::map<std::string, int64_t> values;
  for (size_t i = 1; i < arguments.size(); ++i) {
    const size_t equals = arguments[i].find('=');
    if (equals == std::string::npos) throw UsageError("expected key=value, got '" + arguments[i] + "'");
    values[arguments[i].substr(0, equals)] = std::atoll(arguments[i].c_str() + equals + 1);
  }
  if (map.count("names") != 0) {
    const ZooVariant* variant = zoo_variant(arguments[0]);
    if (variant == nullptr) throw UsageError("--names: expected a named network, got '" + arguments[0] + "'");
    list_names(build_network(variant->name, values, variant->input, variant->classes), map["names"].as<std::string>());
    return 0;
  }
  const DatasetInfo& data = dataset_named(map["data"].as<std::string>());
  const ModelGraph graph = build_model(arguments[0], values, {data.channels, data.height, data.width}, data.classes);
  fmt::print("{}", map.count("graphviz") != 0 ? to_graphviz(graph) : to_table(graph));
  return 0;
}

int inspect_command(const std::vector<std::string>& words) {
  fmt::print("{}", describe(read_packed(file_argument(parse_words(words, {})))));
  return 0;
}

int evaluate_command(const std::vector<std::string>& words) {
  const EvaluateRequest request = parse_evaluate(words);
  if (!is_packed_file(request.file)) execute_engine("evaluate", words);
  if (!request.arithmetic.empty() || !request.rounding.empty() || request.resize >= 0)
    throw UsageError(
        "--arithmetic, --rounding and --resize change a model's declaration; a packed model keeps its own");
  const int64_t threads = request.threads > 0 ? request.threads : default_threads();
  return run_evaluate(request, *packed_predictor(read_packed(request.file), threads));
}

}  // namespace

const std::vector<Command>& command_table() {
  static const std::vector<Command> table = [] {
    std::vector<Command> all = {
        {"models", models_command}, {"inspect", inspect_command}, {"evaluate", evaluate_command}};
    all.insert(all.end(), score_commands().begin(), score_commands().end());
    return all;
  }();
  return table;
}

}  // namespace carat
