// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.h"

#include <algorithm>
#include <vector>

#include "base/fail.h"
#include "base/parallel.h"
#include "cli/parse.h"
#include "evaluation/command.h"
#include "models/packed/packed_model.h"

namespace carat {
namespace {

int evaluate_command(const std::vector<std::string>& words) {
  const EvaluateRequest request = parse_evaluate(words);
  if (!is_packed_file(request.file)) execute_engine("evaluate", words);
  if (!request.arithmetic.empty() || !request.rounding.empty() || !request.interpolation.empty() || request.resize >= 0)
    throw UsageError(
        "--arithmetic, --rounding, --resize and --interpolation change a model's declaration; a packed model keeps its "
        "own");
  const int64_t threads = request.threads > 0 ? request.threads : default_threads();
  return run_evaluate(request, *packed_predictor(read_packed(request.file), request.device, threads));
}

}  // namespace

const std::vector<Command>& command_table() {
  static const std::vector<Command> table = [] {
    std::vector<Command> all = {{"models", models_command}, {"evaluate", evaluate_command}, {"codes", codes_command}};
    all.insert(all.end(), packed_commands().begin(), packed_commands().end());
    all.insert(all.end(), import_commands().begin(), import_commands().end());
    all.insert(all.end(), score_commands().begin(), score_commands().end());
    return all;
  }();
  return table;
}

}  // namespace carat
