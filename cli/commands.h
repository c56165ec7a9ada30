// SPDX-License-Identifier: Apache-2.0
// The commands that need no LibTorch.
#pragma once

#include <string>
#include <vector>

namespace carat {

struct Command {
  std::string name;
  int (*run)(const std::vector<std::string>& words);
};

// Replaces this process by carat-engine, which lies beside it. Throws Error when it cannot be executed.
[[noreturn]] void execute_engine(const std::string& command, const std::vector<std::string>& words);

const std::vector<Command>& command_table();
const std::vector<Command>& score_commands();
const std::vector<Command>& import_commands();
const std::vector<Command>& packed_commands();
int models_command(const std::vector<std::string>& words);
int codes_command(const std::vector<std::string>& words);

}  // namespace carat
