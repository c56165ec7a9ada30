// SPDX-License-Identifier: Apache-2.0
// Any bytes as a safetensors file.
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "models/weights/tensor_file.h"

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const carat::TensorFile file = carat::read_tensors({reinterpret_cast<const char*>(data), size}, "fuzz");
    for (const auto& [name, tensor] : file.tensors) carat::to_floats(tensor, name, "fuzz");
  } catch (const carat::Error&) {  // the one legal way out
  }
  return 0;
}
