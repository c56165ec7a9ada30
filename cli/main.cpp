// SPDX-License-Identifier: Apache-2.0
// carat: every command that needs no LibTorch starts in milliseconds; the others are executed by carat-engine.
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>

#include "base/fail.h"
#include "base/text.h"
#include "cli/commands.h"

namespace carat {
namespace {

const char* const kHelp = R"(carat: takes an image classifier through a compression competition

  carat run RECIPE [--set key.path=value] [--fresh] [--device auto|cpu|cuda] [--runs FOLDER] [--threads N]
                          every stage of a recipe, then verification and the score sheet
  carat check RECIPE      is the recipe good?
  carat plan RECIPE       resolved recipe, matched layers, predicted scores, time
  carat stages [NAME]     stages, or the options of one
  carat models [NAME [key=value ...]] [--graphviz]
                          networks, or the layers of one
  carat inspect FILE      what a packed model holds, bit by bit
  carat score FILE [--policy P]... [--track NAME] [--declare D]... [--correct N --total M] [--format table|md|csv|json]
                          score sheet of a model of any stage, a packed model or an operation list
  carat explain FILE LAYER [--policy P]
                          every row of one layer: formula, rule and its text
  carat diff A B          two sheets, or two of what score takes, row by row: where the score went
  carat policies [NAME]   ways of counting, or how one differs from strict
  carat oplist [--schema] every kind and field of an operation list, or its JSON Schema
  carat evaluate FILE --data NAME [--root FOLDER] [--labels LIST] [--synsets FILE] [--threads N]
                          accuracy of a packed model, executed on integer codes

Set-up, tests and formatting are the launcher's: ./carat setup, ./carat test [--all], ./carat format.
)";

[[noreturn]] void execute_engine(char** argv) {
  const std::filesystem::path engine = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "carat-engine";
  ::execv(engine.c_str(), argv);
  fail("{}: cannot execute: {}", engine.string(), std::strerror(errno));
}

int execute(const std::vector<std::string>& words, char** argv) {
  if (words.empty() || words[0] == "help" || words[0] == "--help" || words[0] == "-h") {
    std::fputs(kHelp, stdout);
    return words.empty() ? 2 : 0;
  }
  for (const Command& command : command_table())
    if (command.name == words[0]) return command.run({words.begin() + 1, words.end()});
  std::vector<std::string> names = {"run", "check", "plan", "stages"};
  for (const std::string& name : names)
    if (words[0] == name) execute_engine(argv);
  for (const Command& command : command_table()) names.push_back(command.name);
  const std::string nearest = nearest_name(words[0], names);
  throw UsageError("unknown command '" + words[0] + "', expected one of: " + join(names, ", ") +
                   (nearest.empty() ? "" : "; did you mean '" + nearest + "'?"));
}

}  // namespace
}  // namespace carat

int main(int argc, char** argv) {
  try {
    return carat::execute({argv + 1, argv + argc}, argv);
  } catch (const carat::UsageError& error) {
    fmt::print(stderr, "carat: {} (carat help)\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    fmt::print(stderr, "carat: {}\n", error.what());
    return 1;
  }
}
