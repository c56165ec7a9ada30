// SPDX-License-Identifier: Apache-2.0
#include "models/weights/safetensors.h"

#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "base/fail.h"
#include "base/file.h"
#include "models/weights/graph_json.h"

namespace carat {
namespace {

using Json = nlohmann::json;

constexpr size_t kLengthBytes = 8;

struct RawTensor {
  std::string type;
  std::vector<int64_t> shape;
  std::string_view bytes;
};

struct Contents {
  std::map<std::string, RawTensor> tensors;
  std::map<std::string, std::string> metadata;
};

std::string assemble(const std::map<std::string, RawTensor>& tensors,
                     const std::map<std::string, std::string>& metadata) {
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  size_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    header[name] = {
        {"dtype", tensor.type}, {"shape", tensor.shape}, {"data_offsets", {offset, offset + tensor.bytes.size()}}};
    offset += tensor.bytes.size();
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  std::string bytes(kLengthBytes, '\0');
  const uint64_t length = text.size();
  std::memcpy(bytes.data(), &length, kLengthBytes);
  bytes.reserve(kLengthBytes + text.size() + offset);
  bytes += text;
  for (const auto& [name, tensor] : tensors) bytes += tensor.bytes;
  return bytes;
}

RawTensor raw_tensor(const std::string& name, const Json& entry, std::string_view data, const std::string& origin) {
  RawTensor tensor;
  tensor.type = entry.at("dtype");
  tensor.shape = entry.at("shape").get<std::vector<int64_t>>();
  const uint64_t begin = entry.at("data_offsets").at(0);
  const uint64_t end = entry.at("data_offsets").at(1);
  require(begin <= end && end <= data.size(), "{}: tensor {}: offsets {}..{} are outside the {} bytes of data", origin,
          name, begin, end, data.size());
  require(tensor.type == "F32" || tensor.type == "U8", "{}: tensor {}: expected type F32 or U8, got {}", origin, name,
          tensor.type);
  uint64_t count = 1;
  for (const int64_t extent : tensor.shape) {
    require(extent >= 0 && extent <= (int64_t{1} << 31) && count <= (uint64_t{1} << 31), "{}: tensor {}: illegal shape",
            origin, name);
    count *= static_cast<uint64_t>(extent);
  }
  const uint64_t expected = count * (tensor.type == "F32" ? 4 : 1);
  require(end - begin == expected, "{}: tensor {}: expected {} bytes for its shape, got {}", origin, name, expected,
          end - begin);
  tensor.bytes = data.substr(begin, end - begin);
  return tensor;
}

Contents disassemble(std::string_view bytes, const std::string& origin) {
  require(bytes.size() >= kLengthBytes, "{}: expected a safetensors file, got {} bytes", origin, bytes.size());
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLengthBytes);
  require(length <= bytes.size() - kLengthBytes, "{}: expected a header of {} bytes, the file has {} after its length",
          origin, length, bytes.size() - kLengthBytes);
  const std::string_view text = bytes.substr(kLengthBytes, length);
  const std::string_view data = bytes.substr(kLengthBytes + length);
  Contents contents;
  try {
    const Json header = Json::parse(text);
    size_t used = 0;
    for (const auto& [name, entry] : header.items()) {
      if (name == "__metadata__") {
        contents.metadata = entry.get<std::map<std::string, std::string>>();
        continue;
      }
      contents.tensors[name] = raw_tensor(name, entry, data, origin);
      used += contents.tensors[name].bytes.size();
    }
    require(used == data.size(), "{}: the tensors cover {} of {} bytes of data", origin, used, data.size());
  } catch (const Json::exception& error) {
    fail("{}: malformed safetensors header: {}", origin, error.what());
  }
  return contents;
}

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
  std::map<std::string, RawTensor> tensors;
  for (const auto& [name, buffer] : model.buffers) tensors[name] = raw(buffer);
  for (const auto& [name, mask] : model.masks)
    tensors[name + ".mask"] = {"U8", mask.shape,
                               std::string_view(reinterpret_cast<const char*>(mask.kept.data()), mask.kept.size())};
  std::map<std::string, std::string> all = metadata;
  all["carat"] = to_json(model.graph);
  return assemble(tensors, all);
}

Model model_from_safetensors(std::string_view bytes, const std::string& origin) {
  const Contents contents = disassemble(bytes, origin);
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
  std::map<std::string, RawTensor> raws;
  for (const auto& [name, buffer] : tensors) raws[name] = raw(buffer);
  return assemble(raws, metadata);
}

std::map<std::string, Buffer> tensors_from_safetensors(std::string_view bytes, const std::string& origin,
                                                       std::map<std::string, std::string>* metadata) {
  const Contents contents = disassemble(bytes, origin);
  std::map<std::string, Buffer> tensors;
  for (const auto& [name, tensor] : contents.tensors) tensors[name] = to_buffer(tensor, name, origin);
  if (metadata != nullptr) *metadata = contents.metadata;
  return tensors;
}

}  // namespace carat
