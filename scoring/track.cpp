// SPDX-License-Identifier: Apache-2.0
#include "scoring/track.h"

#include "base/fail.h"
#include "base/text.h"

namespace carat {

const std::vector<Track>& tracks() {
  static const std::vector<Track> table = {
      {"imagenet", 6900000, 1170000000, 37500, 50000, "", "MicroNet Challenge, rules R2 and R6"},
      {"cifar100", 36500000, 10490000000, 8000, 10000, "cifar100", "MicroNet Challenge, rules R3 and R7"},
      {"fashion_mnist", 77358, 5120576, 9000, 10000, "fashion_mnist",
       "normaliser: resnet8 dense at 32 bits, as counted here"},
      {"synthetic", 10000, 1000000, 0, 500, "synthetic", "for tests"},
  };
  return table;
}

const Track& track_named(const std::string& name) {
  std::vector<std::string> names;
  for (const Track& track : tracks()) {
    if (track.name == name) return track;
    names.push_back(track.name);
  }
  const std::string nearest = nearest_name(name, names);
  fail("unknown track '{}', expected one of: {}{}", name, join(names, ", "),
       nearest.empty() ? "" : "; did you mean '" + nearest + "'?");
}

}  // namespace carat
