// SPDX-License-Identifier: Apache-2.0
#include "models/weights/tensor_file.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/fail.h"
#include "base/half.h"

namespace carat {
namespace {

using Json = nlohmann::json;

constexpr size_t kLengthBytes = 8;
constexpr int kDepth = 8;

const std::map<std::string, uint64_t>& type_sizes() {
  static const std::map<std::string, uint64_t> sizes = {{"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"I64", 8},
                                                        {"I32", 4}, {"I16", 2}, {"I8", 1},  {"U8", 1},   {"BOOL", 1}};
  return sizes;
}

RawTensor raw_tensor(const std::string& name, const Json& entry, std::string_view data, const std::string& origin) {
  RawTensor tensor;
  tensor.type = entry.at("dtype");
  tensor.shape = entry.at("shape").get<std::vector<int64_t>>();
  const uint64_t begin = entry.at("data_offsets").at(0);
  const uint64_t end = entry.at("data_offsets").at(1);
  require(begin <= end && end <= data.size(), "{}: tensor {}: offsets {}..{} are outside the {} bytes of data", origin,
          name, begin, end, data.size());
  const auto size = type_sizes().find(tensor.type);
  require(size != type_sizes().end(), "{}: tensor {}: unknown type '{}'", origin, name, tensor.type);
  uint64_t count = 1;
  for (const int64_t extent : tensor.shape) {
    require(extent >= 0 && extent <= (int64_t{1} << 31) && count <= (uint64_t{1} << 31), "{}: tensor {}: illegal shape",
            origin, name);
    count *= static_cast<uint64_t>(extent);
  }
  // count < 2^62, so the limit keeps the product below 2^64.
  require(count <= data.size(), "{}: tensor {}: a shape of {} values does not fit the {} bytes of data", origin, name,
          count, data.size());
  const uint64_t expected = count * size->second;
  require(end - begin == expected, "{}: tensor {}: expected {} bytes for its shape, got {}", origin, name, expected,
          end - begin);
  tensor.bytes = data.substr(begin, end - begin);
  return tensor;
}

void check_coverage(const TensorFile& file, std::string_view data, const std::string& origin) {
  std::vector<const RawTensor*> order;
  for (const auto& [name, tensor] : file.tensors) order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const RawTensor* a, const RawTensor* b) {
    return std::pair(a->bytes.data(), a->bytes.size()) < std::pair(b->bytes.data(), b->bytes.size());
  });
  const char* at = data.data();
  for (const RawTensor* tensor : order) {
    require(tensor->bytes.data() == at, "{}: the tensors overlap or leave a gap at byte {} of the data", origin,
            std::min(at, tensor->bytes.data()) - data.data());
    at += tensor->bytes.size();
  }
  require(at == data.data() + data.size(), "{}: the tensors cover {} of {} bytes of data", origin, at - data.data(),
          data.size());
}

Json parse_header(std::string_view text, const std::string& origin) {
  const auto limit = [&](int depth, Json::parse_event_t, Json&) {
    require(depth <= kDepth, "{}: malformed safetensors header: nested deeper than {}", origin, kDepth);
    return true;
  };
  return Json::parse(text.begin(), text.end(), limit);
}

template <typename T>
std::vector<float> converted(std::string_view bytes) {
  std::vector<float> values(bytes.size() / sizeof(T));
  for (size_t i = 0; i < values.size(); ++i) {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    values[i] = static_cast<float>(value);
  }
  return values;
}

std::vector<float> widened(std::string_view bytes, bool is_bfloat) {
  std::vector<float> values(bytes.size() / 2);
  for (size_t i = 0; i < values.size(); ++i) {
    uint16_t bits = 0;
    std::memcpy(&bits, bytes.data() + i * 2, 2);
    const uint32_t wide = static_cast<uint32_t>(bits) << 16;
    if (is_bfloat)
      std::memcpy(&values[i], &wide, 4);
    else
      values[i] = from_half(bits);
  }
  return values;
}

}  // namespace

std::string write_tensors(const TensorFile& file) {
  Json header = Json::object();
  if (!file.metadata.empty()) header["__metadata__"] = file.metadata;
  size_t offset = 0;
  for (const auto& [name, tensor] : file.tensors) {
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
  for (const auto& [name, tensor] : file.tensors) bytes += tensor.bytes;
  return bytes;
}

TensorFile read_tensors(std::string_view bytes, const std::string& origin) {
  require(bytes.size() >= kLengthBytes, "{}: expected a safetensors file, got {} bytes", origin, bytes.size());
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLengthBytes);
  require(length <= bytes.size() - kLengthBytes, "{}: expected a header of {} bytes, the file has {} after its length",
          origin, length, bytes.size() - kLengthBytes);
  const std::string_view data = bytes.substr(kLengthBytes + length);
  TensorFile file;
  try {
    const Json header = parse_header(bytes.substr(kLengthBytes, length), origin);
    require(header.is_object(), "{}: malformed safetensors header: expected an object", origin);
    for (const auto& [name, entry] : header.items()) {
      if (name == "__metadata__")
        file.metadata = entry.get<std::map<std::string, std::string>>();
      else
        file.tensors[name] = raw_tensor(name, entry, data, origin);
    }
  } catch (const Json::exception& error) {
    fail("{}: malformed safetensors header: {}", origin, error.what());
  }
  check_coverage(file, data, origin);
  return file;
}

std::vector<float> to_floats(const RawTensor& tensor, const std::string& name, const std::string& origin) {
  if (tensor.type == "F32") return converted<float>(tensor.bytes);
  if (tensor.type == "F64") return converted<double>(tensor.bytes);
  if (tensor.type == "I8") return converted<int8_t>(tensor.bytes);
  if (tensor.type == "U8" || tensor.type == "BOOL") return converted<uint8_t>(tensor.bytes);
  if (tensor.type == "I16") return converted<int16_t>(tensor.bytes);
  if (tensor.type == "I32") return converted<int32_t>(tensor.bytes);
  if (tensor.type == "I64") return converted<int64_t>(tensor.bytes);
  if (tensor.type == "F16" || tensor.type == "BF16") return widened(tensor.bytes, tensor.type == "BF16");
  fail("{}: tensor {}: unknown type '{}'", origin, name, tensor.type);
}

}  // namespace carat
