// SPDX-License-Identifier: Apache-2.0
// Named changes of what an entry declares, to see what another declaration would cost.
#pragma once

#include <string>
#include <vector>

#include "scoring/walk.h"

namespace carat {

struct Declaration {
  std::string name;
  std::string help;
  void (*apply)(Walk& walk);
};

const std::vector<Declaration>& declarations();
// Throws Error with the nearest name.
void declare(Walk& walk, const std::string& name);

}  // namespace carat
