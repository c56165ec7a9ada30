// SPDX-License-Identifier: Apache-2.0
// fail("... {} ...", args) throws Error with a formatted message; require() does so when its condition does not hold.
#pragma once

#include <fmt/format.h>

#include <utility>

#include "base/error.h"

namespace carat {

template <typename... Args>
[[noreturn]] void fail(fmt::format_string<Args...> text, Args&&... args) {
  throw Error(fmt::format(text, std::forward<Args>(args)...));
}

template <typename... Args>
void require(bool condition, fmt::format_string<Args...> text, Args&&... args) {
  if (!condition) fail(text, std::forward<Args>(args)...);
}

}  // namespace carat
