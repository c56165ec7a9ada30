// SPDX-License-Identifier: Apache-2.0
// carat: every command that needs no LibTorch starts in milliseconds; the others are executed by carat-engine.
#include <cstdio>
#include <exception>

#include "base/fail.h"
#include "base/text.h"
#include "cli/commands.h"

namespace carat {
namespace {

const char* const kHelp = R"(carat: takes an image classifier through a compression competition

  carat run RECIPE [--set key.path=value] [--fresh] [--device auto|cpu|cuda] [--runs FOLDER] [--threads N]
            [--any-device]
                          every stage of a recipe, then verification and the score sheet; --any-device goes on from
                          stages that another device has stored in the folder of results
  carat check RECIPE      is the recipe good?
  carat plan RECIPE       resolved recipe, matched layers, predicted scores, time
  carat stages [NAME]     stages, or the options of one
  carat sensitivity FILE --data NAME --out CSV [--svg SVG] [--mode exact|interval|estimate|naive]
                 [--quantity sparsity|weight_bits|activation_bits] [--levels L,L,...] [--layers PATTERN]... [--images N]
                 [--split train|test] [--seed N] [--shard I/N] [--model NAME] [--device D] [--threads N] [--memory-mib N]
  carat sensitivity --merge CSV CSV... --out CSV [--svg SVG]
                          each layer alone at each sparsity or width: accuracy, loss, its rise with 95 % intervals;
                          goes on where it was stopped; the shards of several processes become one table
  carat models [NAME [key=value ...]] [--data NAME] [--graphviz] [--names LAYOUT]
                          networks with their dense scores, or the layers of one; what torchvision, timm ... call them
  carat import FILE [--model NAME [key=value ...]] [--layout L] [--folded] [--classes N] [--arithmetic A] [--out FILE]
                          tensors of another program (safetensors) become a model, model.safetensors
  carat export FILE --layout L --out FILE [--model NAME [key=value ...]]
                          a model's tensors under the names of torchvision, timm or a publication
  carat export FILE --onnx FILE [--float] [--model NAME]
                          a fused or packed model as ONNX on integer codes, any model with --float
  carat pack FILE --out FILE [--model NAME] [--arithmetic A] [--rounding R] [--class-names FILE]
                          a fused model or a published entry becomes a packed model
  carat inspect FILE      what a packed model holds, bit by bit
  carat verify FILE [--against MODEL] [--data NAME] [--limit N] [--device auto|cpu|cuda]
                          checksum, bounds, and the fast (or CUDA) executor against the reference one, or against
                          LibTorch on the stage model it came from, value by value
  carat score FILE [--policy P]... [--track NAME] [--declare D]... [--correct N --total M] [--format table|md|csv|json]
                   [--by-part]
                          score sheet of a model of any stage, a packed model or an operation list
  carat explain FILE LAYER [--policy P] [--data NAME --limit N]
                          every row of one layer: formula, rule and its text; the widths and the worst case of its
                          integer sums, and their extremes on data
  carat diff A B          two sheets, or two of what score takes, row by row: where the score went
  carat policies [NAME]   ways of counting, or how one differs from strict
  carat oplist [--schema] every kind and field of an operation list, or its JSON Schema
  carat evaluate FILE --data NAME [--root FOLDER] [--labels LIST] [--synsets FILE]
                 [--split test|train] [--limit N] [--on-bad-image error|skip] [--format text|json] [--per-class CSV]
                 [--predictions FILE] [--model NAME] [--device auto|cpu|cuda] [--threads N]
                 [--arithmetic float32|fp16|fp16_strict] [--rounding half_even|half_away] [--resize N] [--exact]
                          accuracy: a packed model on integer codes, any other model or tensors with LibTorch
  carat codes FILE --data NAME --output FILE [--root FOLDER] [--labels LIST] [--synsets FILE] [--split test|train]
              [--limit N] [--model NAME] [--threads N]
                          the images and the codes after every quantizer, for comparison with other programs

Set-up, tests and formatting are the launcher's: ./carat setup, ./carat test [--all], ./carat format.
)";

int execute(const std::vector<std::string>& words) {
  if (words.empty() || words[0] == "help" || words[0] == "--help" || words[0] == "-h") {
    std::fputs(kHelp, stdout);
    return words.empty() ? 2 : 0;
  }
  for (const Command& command : command_table())
    if (command.name == words[0]) return command.run({words.begin() + 1, words.end()});
  std::vector<std::string> names = {"run", "check", "plan", "stages", "sensitivity"};
  for (const std::string& name : names)
    if (words[0] == name) execute_engine(name, {words.begin() + 1, words.end()});
  for (const Command& command : command_table()) names.push_back(command.name);
  const std::string nearest = nearest_name(words[0], names);
  throw UsageError("unknown command '" + words[0] + "', expected one of: " + join(names, ", ") +
                   (nearest.empty() ? "" : "; did you mean '" + nearest + "'?"));
}

}  // namespace
}  // namespace carat

int main(int argc, char** argv) {
  try {
    return carat::execute({argv + 1, argv + argc});
  } catch (const carat::UsageError& error) {
    fmt::print(stderr, "carat: {} (carat help)\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    fmt::print(stderr, "carat: {}\n", error.what());
    return 1;
  }
}
