// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/fail.h"
#include "cli/commands.h"

namespace carat {

void execute_engine(const std::string& command, const std::vector<std::string>& words) {
  const std::filesystem::path engine = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "carat-engine";
  // Idle OpenMP threads that spin steal time from everything else on a small machine; read when the engine is loaded.
  ::setenv("OMP_WAIT_POLICY", "PASSIVE", 0);
  std::vector<std::string> all = {"carat", command};
  all.insert(all.end(), words.begin(), words.end());
  std::vector<char*> pointers;
  for (std::string& word : all) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  ::execv(engine.c_str(), pointers.data());
  fail("{}: cannot execute: {}", engine.string(), std::strerror(errno));
}

}  // namespace carat
