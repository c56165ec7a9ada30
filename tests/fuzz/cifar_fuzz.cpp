// SPDX-License-Identifier: Apache-2.0
// Any bytes as a CIFAR-10 and a CIFAR-100 file; the count is made right for every other length.
#include <cstdint>

#include "base/error.h"
#include "data/cifar_file.h"

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  for (const std::vector<int64_t>& limits : {std::vector<int64_t>{10}, std::vector<int64_t>{20, 100}}) {
    const size_t record = limits.size() + 3072;
    const size_t whole = size / 2 % 2 == 0 ? size : size / record * record;
    try {
      carat::CifarFile file;
      carat::parse_cifar({data, whole}, "fuzz", static_cast<int64_t>(whole / record), limits, file);
    } catch (const carat::Error&) {  // the one legal way out
    }
  }
  return 0;
}
