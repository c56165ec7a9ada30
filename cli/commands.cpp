// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "base/fail.h"
#include "base/file.h"
#include "base/parallel.h"
#include "cli/parse.h"
#include "data/loader.h"
#include "models/graph/dump.h"
#include "models/packed/integer_executor.h"
#include "models/packed/packed_model.h"
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

int models_command(const std::vector<std::string>& words) {
  po::options_description options;
  options.add_options()("graphviz", "a digraph for dot")(
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
  DataSource source;
  std::string predictions_file;
  int64_t threads = 0;
  po::options_description options;
  options.add_options()("data", po::value(&source.name)->required(), "")("root", po::value(&source.root), "")(
      "labels", po::value(&source.labels), "")("synsets", po::value(&source.synsets), "")(
      "predictions", po::value(&predictions_file), "file for the predicted classes, one line per image")(
      "threads", po::value(&threads), "");
  const po::variables_map map = parse_words(words, options);
  const PackedModel packed = read_packed(file_argument(map));
  const IntegerExecutor executor(packed);
  const Shape& input = packed.graph.input().input_shape;
  const Dataset data = open_dataset(source, Split::test, format_for(input.channels, input.height, input.width));
  constexpr int64_t kBatch = 250;
  int64_t correct = 0;
  std::string lines;
  for (int64_t begin = 0; begin < data.size(); begin += kBatch) {
    const Batch batch = gather(data, begin, std::min(begin + kBatch, data.size()));
    const std::vector<int64_t> predicted = executor.predict(batch.pixels, threads > 0 ? threads : default_threads());
    for (size_t i = 0; i < predicted.size(); ++i) {
      if (predicted[i] == batch.labels[i]) ++correct;
      lines += fmt::format("{}\n", predicted[i]);
    }
  }
  if (!predictions_file.empty()) write_atomically(predictions_file, lines);
  fmt::print("{}/{} correct, {:.2f} %\n", correct, data.size(),
             100.0 * static_cast<double>(correct) / static_cast<double>(data.size()));
  return 0;
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
