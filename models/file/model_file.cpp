// SPDX-License-Identifier: Apache-2.0
#include "models/file/model_file.h"

#include "base/fail.h"
#include "base/file.h"
#include "models/file/import.h"
#include "models/packed/packed_model.h"
#include "models/weights/declare_arithmetic.h"
#include "models/weights/safetensors.h"

namespace carat {
namespace {

constexpr size_t kLengthBytes = 8;  // before the header of safetensors

}  // namespace

bool is_model_file(std::string_view bytes) {
  return bytes.starts_with("CARAT") || (bytes.size() > kLengthBytes && bytes[kLengthBytes] == '{');
}

ModelFile model_file_from_bytes(std::string_view bytes, const std::string& path, const std::string& network) {
  require(is_model_file(bytes), "{}: expected a packed model or safetensors, found {} bytes of neither", path,
          bytes.size());
  if (bytes.starts_with("CARAT")) return {unpack(packed_from_bytes(bytes, path)), ""};
  const TensorFile file = read_tensors(bytes, path);
  if (file.metadata.contains("carat") && network.empty()) return {model_from_safetensors(bytes, path), ""};
  Imported imported = import_tensors(file, path, {.network = network});
  return {std::move(imported.model), imported.track};
}

ModelFile read_model_file(const std::string& path, const std::string& network) {
  return model_file_from_bytes(read_text(path), path, network);
}

Model read_any_model(const std::string& path, const std::string& network) {
  return with_needed_arithmetic(read_model_file(path, network).model);
}

}  // namespace carat
