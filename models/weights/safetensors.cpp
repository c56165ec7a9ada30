// SPDX-License-Identifier: Apache-2.0
#include "models/weights/safetensors.h"

#include <cstring>

#include "base/fail.h"
#include "base/file.h"
#include "models/weights/graph_json.h"
#include "models/weights/tensor_file.h"

namespace carat {
namespace {

RawTensor raw(const Buffer& buffer) {
  return {"F32", buffer.shape,
          std::string_view(reinterpret_cast<const char*>(buffer.values.data()), buffer.values.size() * sizeof(float))};
}

Buffer to_buffer(const RawTensor& tensor, const std::string& name, const std::string& origin) {
  require(tensor.type == "F32", "{}: tensor {}: expected type F32, got {}", origin, name, tensor.type);
  Buffer buffer{tensor.shape, std::vector<float>(tensor.bytes.size() / sizeof(float))};
  if (!buffer.values.empty()) std::memcpy(buffer.values.data(), tensor.bytes.data(), tensor.bytes.size());
  return buffer;
}

}  // namespace

std::string to_safetensors(const Model& model, const std::map<std::string, std::string>& metadata) {
  TensorFile file{{}, metadata};
  for (const auto& [name, buffer] : model.buffers) file.tensors[name] = raw(buffer);
  for (const auto& [name, mask] : model.masks)
    file.tensors[name + ".mask"] = {
        "U8", mask.shape, std::string_view(reinterpret_cast<const char*>(mask.kept.data()), mask.kept.size())};
  file.metadata["carat"] = to_json(model.graph);
  return write_tensors(file);
}

Model model_from_safetensors(std::string_view bytes, const std::string& origin) {
  const TensorFile contents = read_tensors(bytes, origin);
  const auto graph = contents.metadata.find("carat");
  require(graph != contents.metadata.end(), "{}: expected a network under 'carat' in the metadata, found none", origin);
  Model model;
  model.graph = graph_from_json(graph->second, origin);
  for (const auto& [name, tensor] : contents.tensors) {
    if (tensor.type == "U8") {
      require(name.ends_with(".mask"), "{}: tensor {}: a U8 tensor must be a mask", origin, name);
      model.masks[name.substr(0, name.size() - 5)] = {tensor.shape, {tensor.bytes.begin(), tensor.bytes.end()}};
    } else {
      model.buffers[name] = to_buffer(tensor, name, origin);
    }
  }
  try {
    check_model(model);
  } catch (const Error& error) {
    fail("{}: {}", origin, error.what());
  }
  return model;
}

void write_model(const std::filesystem::path& path, const Model& model) {
  write_atomically(path, to_safetensors(model));
}

Model read_model(const std::filesystem::path& path) { return model_from_safetensors(read_text(path), path.string()); }

std::string tensors_to_safetensors(const std::map<std::string, Buffer>& tensors,
                                   const std::map<std::string, std::string>& metadata) {
  TensorFile file{{}, metadata};
  for (const auto& [name, buffer] : tensors) file.tensors[name] = raw(buffer);
  return write_tensors(file);
}

std::map<std::string, Buffer> tensors_from_safetensors(std::string_view bytes, const std::string& origin,
                                                       std::map<std::string, std::string>* metadata) {
  const TensorFile contents = read_tensors(bytes, origin);
  std::map<std::string, Buffer> tensors;
  for (const auto& [name, tensor] : contents.tensors) tensors[name] = to_buffer(tensor, name, origin);
  if (metadata != nullptr) *metadata = contents.metadata;
  return tensors;
}

}  // namespace carat
