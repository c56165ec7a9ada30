// SPDX-License-Identifier: Apache-2.0
// Starts carat-engine as a user would.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace carat {

// Where the built programs lie; CARAT_BINARY_DIR in the environment wins, for packaged tests.
inline std::string program_folder() {
  const char* moved = std::getenv("CARAT_BINARY_DIR");
  return std::string(moved != nullptr ? moved : CARAT_BINARY_DIR) + "/bin";
}

inline std::string engine() { return program_folder() + "/carat-engine"; }

// Runs the engine with its output dropped; what it says on stderr goes to the file where one is named.
inline pid_t start_engine(std::vector<std::string> words, const std::string& errors = "") {
  words.insert(words.begin(), engine());
  const pid_t child = fork();
  if (child != 0) return child;
  if (freopen("/dev/null", "w", stdout) == nullptr) _exit(126);
  if (!errors.empty() && freopen(errors.c_str(), "w", stderr) == nullptr) _exit(126);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  execv(arguments[0], arguments.data());
  _exit(127);
}

// Exit status, or -1 when a signal ended it.
inline int finish(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace carat
