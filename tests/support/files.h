// SPDX-License-Identifier: Apache-2.0
// A folder that is gone after the test, and the error message of an action.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/error.h"

namespace carat {

// Where the project's own files lie; CARAT_SOURCE_DIR in the environment wins, for packaged tests.
inline std::string source_folder() {
  const char* moved = std::getenv("CARAT_SOURCE_DIR");
  return moved != nullptr ? moved : CARAT_SOURCE_DIR;
}

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "carat-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  std::string text() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

template <typename Action>
std::string message_of(Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "(no error)";
}

}  // namespace carat
