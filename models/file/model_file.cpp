// SPDX-License-Identifier: Apache-2.0
#include "models/file/model_file.h"

#include "base/fail.h"
#include "base/file.h"
#include "models/packed/packed_model.h"
#include "models/weights/foreign.h"
#include "models/weights/safetensors.h"
#include "models/zoo/zoo.h"

namespace carat {
namespace {

constexpr size_t kLengthBytes = 8;  // before the header of safetensors

ModelFile from_foreign(const TensorFile& file, const std::string& path, const std::string& network) {
  if (!network.empty()) {
    const ZooVariant* named = zoo_variant(network);
    const ZooVariant& variant = named != nullptr ? *named : zoo_entry(network).variants.front();
    return {model_from_tensors(file, build_network(variant).graph, path), variant.track};
  }
  for (const ZooEntry& entry : zoo())
    for (const ZooVariant& variant : entry.variants) {
      if (variant.track.empty()) continue;
      const ModelGraph graph = build_network(variant).graph;
      if (mismatches(file, graph).empty()) return {model_from_tensors(file, graph, path), variant.track};
    }
  fail(
      "{}: expected a Carat network under 'carat' in the metadata or the tensors of a published entry, found {} other "
      "tensors (--model NAME takes them as a network of the zoo)",
      path, file.tensors.size());
}

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
  return from_foreign(file, path, network);
}

ModelFile read_model_file(const std::string& path, const std::string& network) {
  return model_file_from_bytes(read_text(path), path, network);
}

}  // namespace carat
