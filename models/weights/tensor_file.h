// SPDX-License-Identifier: Apache-2.0
// Any safetensors file as named byte ranges, every bound checked. Format:
// https://github.com/huggingface/safetensors, README "Format".
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace carat {

struct RawTensor {
  std::string type;  // "F32", "I8" ...
  std::vector<int64_t> shape;
  std::string_view bytes;
};

// Views into the bytes that were read, which must outlive it.
struct TensorFile {
  std::map<std::string, RawTensor> tensors;
  std::map<std::string, std::string> metadata;
};

// Equal tensors and metadata give equal bytes.
std::string write_tensors(const TensorFile& file);
// Throws Error naming the tensor for a truncated or malformed file, an unknown type, a size that does not fit its
// shape, tensors that overlap or leave gaps.
TensorFile read_tensors(std::string_view bytes, const std::string& origin);

// The values as float32: F32, F16, BF16, F64 and integers. Throws Error for another type.
std::vector<float> to_floats(const RawTensor& tensor, const std::string& name, const std::string& origin);

}  // namespace carat
