// SPDX-License-Identifier: Apache-2.0
// The one exception type. A message is one line that says where, what was expected and what was found.
#pragma once

#include <stdexcept>
#include <string>

namespace carat {

class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message) : std::runtime_error(message) {}
};

// A mistake on the command line: exit status 2.
struct UsageError : Error {
  using Error::Error;
};

}  // namespace carat
