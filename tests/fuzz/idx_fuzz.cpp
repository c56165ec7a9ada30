// SPDX-License-Identifier: Apache-2.0
// Any bytes as an IDX file, plain or in gzip, with known and with unknown extents.
#include <cstdint>

#include "base/error.h"
#include "data/idx_file.h"

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  for (const int64_t count : {int64_t{-1}, int64_t{2}}) {
    try {
      carat::parse_idx({data, size}, "fuzz", {count, -1, -1});
    } catch (const carat::Error&) {  // the one legal way out
    }
  }
  return 0;
}
