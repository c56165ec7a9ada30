// SPDX-License-Identifier: Apache-2.0
// Any bytes as an operation list: a sheet under every policy, or one Error; nothing else may happen.
#include <cstdint>
#include <string>

#include "base/error.h"
#include "scoring/oplist.h"
#include "scoring/score_sheet.h"

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const carat::OpList list = carat::read_oplist({reinterpret_cast<const char*>(data), size}, "fuzz");
    const carat::Track track = list.track ? *list.track : carat::track_named("cifar100");
    // A different policy for every size keeps one execution short.
    const std::vector<carat::Policy>& all = carat::policies();
    const carat::ScoreSheet sheet = make_sheet(list.walk, all[size % all.size()], track, list.accuracy);
    if (size % 16 == 0) to_text(sheet);
    if (size % 16 == 1) to_json(sheet);
  } catch (const carat::Error&) {  // the one legal way out
  }
  return 0;
}
