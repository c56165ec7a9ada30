// SPDX-License-Identifier: Apache-2.0
// carat-engine: the commands that train and run. The program carat executes it.
#include <cstdio>
#include <exception>
#include <filesystem>

#include "base/fail.h"
#include "base/text.h"
#include "config/docs.h"
#include "evaluation/command.h"
#include "evaluation/parse.h"
#include "models/file/model_file.h"
#include "models/net/device.h"
#include "pipeline/network_layers.h"
#include "pipeline/network_predictor.h"
#include "pipeline/pipeline.h"
#include "pipeline/plan.h"
#include "pipeline/sensitivity_command.h"

namespace carat {
namespace {

namespace po = boost::program_options;

po::variables_map parse(const std::vector<std::string>& words, const po::options_description& options,
                        const char* positional) {
  po::options_description all;
  all.add(options).add_options()(positional, po::value<std::string>(), "");
  return parse_options(words, all, positional, 1);
}

po::options_description recipe_options() {
  po::options_description options("Options");
  options.add_options()("set", po::value<std::vector<std::string>>()->composing(),
                        "override: key.path=value, e.g. stages.prune.target_sparsity=0.8");
  return options;
}

std::string recipe_argument(const po::variables_map& map) {
  if (map.count("recipe") == 0) throw UsageError("expected a recipe file, e.g. recipes/demo.yaml");
  return map["recipe"].as<std::string>();
}

Recipe recipe_of(const po::variables_map& map) {
  const auto overrides = map.count("set") != 0 ? map["set"].as<std::vector<std::string>>() : std::vector<std::string>{};
  return read_recipe(recipe_argument(map), overrides);
}

int run_command(const std::vector<std::string>& words) {
  RunOptions run;
  po::options_description options = recipe_options();
  options.add_options()("fresh", po::bool_switch(&run.fresh), "forget the stored results of this recipe's stages")(
      "any-device", po::bool_switch(&run.any_device),
      "stages that another device or number of threads has stored are taken as they are")(
      "device", po::value(&run.device)->default_value("auto"), "auto, cpu or cuda")(
      "runs", po::value(&run.runs_folder)->default_value("runs"), "folder of results")(
      "threads", po::value(&run.threads)->default_value(0), "CPU threads; 0 takes all cores")(
      "checkpoint-seconds", po::value(&run.checkpoint_seconds)->default_value(30.0), "time between checkpoints");
  const po::variables_map map = parse(words, options, "recipe");
  if (run.fresh && run.any_device) throw UsageError("expected --fresh or --any-device, got both");
  run.command = "carat run " + join(words, " ");
  const ScoreSheet sheet = run_recipe(recipe_of(map), run);
  fmt::print("\nscore {:.6f} on track {}: accuracy {}/{}, gate {}\n{}/{}/score_sheet.md\n", sheet.score(),
             sheet.track.name, sheet.accuracy.correct, sheet.accuracy.total, gate_name(sheet.gate()), run.runs_folder,
             std::filesystem::path(recipe_argument(map)).stem().string());
  return 0;
}

int plan_command(const std::vector<std::string>& words) {
  std::string device;
  po::options_description options = recipe_options();
  options.add_options()("device", po::value(&device)->default_value("auto"), "auto, cpu or cuda");
  const po::variables_map map = parse(words, options, "recipe");
  fmt::print("{}", plan_text(recipe_of(map), device));
  return 0;
}

int check_command(const std::vector<std::string>& words) {
  const po::variables_map map = parse(words, recipe_options(), "recipe");
  const Recipe recipe = recipe_of(map);
  fmt::print("{}: good; {} on {}, {} stages\n", recipe_argument(map), recipe.graph.name(), recipe.data.name,
             recipe.stages.size());
  return 0;
}

int stages_command(const std::vector<std::string>& words) {
  po::options_description options;
  options.add_options()("markdown", "as Markdown, for docs/recipes.md");
  const po::variables_map map = parse(words, options, "stage");
  const bool markdown = map.count("markdown") != 0;
  if (map.count("stage") == 0 && !markdown) {
    for (const StageInfo& info : stage_catalog()) fmt::print("{:<14} {}\n", info.name, info.help);
    return 0;
  }
  for (const StageInfo& info : stage_catalog()) {
    if (map.count("stage") != 0 && &stage_named(map["stage"].as<std::string>()) != &info) continue;
    OptionTable table;
    const std::unique_ptr<Stage> stage = info.make();
    stage->describe(table);
    if (markdown)
      fmt::print("## {}\n\n{}.\n\n{}\n", info.name, info.help, to_markdown(table.rows()));
    else
      fmt::print("{}: {}\n\n{}", info.name, info.help, to_text(table.rows()));
  }
  return 0;
}

int evaluate_command(const std::vector<std::string>& words) {
  const EvaluateRequest request = parse_evaluate(words);
  const std::unique_ptr<Predictor> predictor =
      network_predictor(requested_model(request), request.device, request.is_exact, request.threads);
  return run_evaluate(request, *predictor);
}

int verify_command(const std::vector<std::string>& words) {
  VerifyRequest request = parse_verify(words);
  request.threads = 1;  // LibTorch has threads of its own
  const PackedModel packed = read_packed(request.file);
  const Model model = read_any_model(request.against, request.network);
  return run_verify(request, packed, network_layers(model, packed), request.against);
}

int execute(const std::vector<std::string>& words) {
  struct Command {
    const char* name;
    int (*run)(const std::vector<std::string>&);
  };
  static const Command kCommands[] = {{"run", run_command},
                                      {"plan", plan_command},
                                      {"check", check_command},
                                      {"stages", stages_command},
                                      {"evaluate", evaluate_command},
                                      {"verify", verify_command},
                                      {"sensitivity", sensitivity_command}};
  if (words.empty()) throw UsageError("expected a command: run, plan, check, stages, evaluate, verify or sensitivity");
  for (const Command& command : kCommands)
    if (words[0] == command.name) return command.run({words.begin() + 1, words.end()});
  throw UsageError("unknown command '" + words[0] +
                   "', expected run, plan, check, stages, evaluate, verify or sensitivity");
}

}  // namespace
}  // namespace carat

int main(int argc, char** argv) {
  carat::load_cuda();
  carat::keep_freed_memory();
  try {
    return carat::execute({argv + 1, argv + argc});
  } catch (const carat::UsageError& error) {
    fmt::print(stderr, "carat: {} (carat help)\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    const std::string message = error.what();
    fmt::print(stderr, "carat: {}\n", message.substr(0, message.find('\n')));
    return 1;
  }
}
