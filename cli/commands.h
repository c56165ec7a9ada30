// SPDX-License-Identifier: Apache-2.0
// The commands that need no LibTorch.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace carat {

// A mistake on the command line: exit status 2.
struct UsageError : Error {
  using Error::Error;
};

struct Command {
  std::string name;
  int (*run)(const std::vector<std::string>& words);
};

const std::vector<Command>& command_table();
const std::vector<Command>& score_commands();

}  // namespace carat
