// SPDX-License-Identifier: Apache-2.0
// Any bytes as a packed model, with the checksum made right so that the reader gets behind it.
#include <cstdint>
#include <cstring>
#include <string>

#include "base/error.h"
#include "base/hash.h"
#include "models/packed/packed_model.h"

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  if (size > 24) {
    bytes.replace(0, 8, std::string("CARAT\0\2\0", 8));
    const uint64_t checksum = carat::hash64(bytes.data(), size - 8);
    std::memcpy(bytes.data() + size - 8, &checksum, 8);
  }
  try {
    carat::packed_from_bytes(bytes, "fuzz");
  } catch (const carat::Error&) {  // the one legal way out
  }
  return 0;
}
