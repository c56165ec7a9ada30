// SPDX-License-Identifier: Apache-2.0
#include "models/onnx/graph_writer.h"

#include <bit>

#include "base/fail.h"
#include "base/half.h"

namespace carat {
namespace {

using onnx::AttributeProto;
using onnx::TensorProto;

struct CodeRow {
  int64_t bits;
  OnnxType type;
  bool is_signed;
};

constexpr CodeRow kCodeTypes[] = {{4, TensorProto::UINT4, false},   {4, TensorProto::INT4, true},
                                  {8, TensorProto::UINT8, false},   {8, TensorProto::INT8, true},
                                  {16, TensorProto::UINT16, false}, {16, TensorProto::INT16, true}};

const CodeRow& row_of(OnnxType type) {
  for (const CodeRow& row : kCodeTypes)
    if (row.type == type) return row;
  fail("ONNX type {}: expected a type of codes", static_cast<int>(type));
}

// Little endian, as raw_data is.
template <typename Word>
void append(std::string& bytes, Word word) {
  static_assert(std::endian::native == std::endian::little);
  bytes.append(reinterpret_cast<const char*>(&word), sizeof word);
}

std::string code_bytes(const std::vector<float>& values, int64_t bits) {
  std::string bytes;
  if (bits == 4) {
    bytes.assign((values.size() + 1) / 2, '\0');
    for (size_t i = 0; i < values.size(); ++i) {
      const auto half = static_cast<unsigned>(static_cast<int>(values[i])) & 15U;
      bytes[i / 2] = static_cast<char>(static_cast<unsigned char>(bytes[i / 2]) | (half << (i % 2 * 4)));
    }
    return bytes;
  }
  for (const float value : values) {
    const auto code = static_cast<uint16_t>(static_cast<int32_t>(value));
    bits == 8 ? append(bytes, static_cast<uint8_t>(code)) : append(bytes, code);
  }
  return bytes;
}

void set_type(onnx::ValueInfoProto& value, const std::string& name, OnnxType type, const std::vector<int64_t>& shape) {
  value.set_name(name);
  auto& tensor = *value.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(type);
  for (const int64_t extent : shape) {
    auto& dimension = *tensor.mutable_shape()->add_dim();
    if (extent < 0)
      dimension.set_dim_param("N");
    else
      dimension.set_dim_value(extent);
  }
}

}  // namespace

AttributeProto attribute(const std::string& name, int64_t value) {
  AttributeProto made;
  made.set_name(name);
  made.set_type(AttributeProto::INT);
  made.set_i(value);
  return made;
}

AttributeProto attribute(const std::string& name, float value) {
  AttributeProto made;
  made.set_name(name);
  made.set_type(AttributeProto::FLOAT);
  made.set_f(value);
  return made;
}

AttributeProto attribute(const std::string& name, const char* value) {
  AttributeProto made;
  made.set_name(name);
  made.set_type(AttributeProto::STRING);
  made.set_s(value);
  return made;
}

AttributeProto attribute(const std::string& name, const std::vector<int64_t>& values) {
  AttributeProto made;
  made.set_name(name);
  made.set_type(AttributeProto::INTS);
  for (const int64_t value : values) made.add_ints(value);
  return made;
}

OnnxType code_type(int64_t lowest, int64_t highest) {
  for (const CodeRow& row : kCodeTypes)
    if (lowest_of(row.type) <= lowest && highest <= highest_of(row.type)) return row.type;
  fail("ONNX codes: expected codes of at most 16 bits, got {} to {}", lowest, highest);
}

int64_t lowest_of(OnnxType type) {
  const CodeRow& row = row_of(type);
  return row.is_signed ? -(int64_t{1} << (row.bits - 1)) : 0;
}

int64_t highest_of(OnnxType type) {
  const CodeRow& row = row_of(type);
  return (int64_t{1} << (row.is_signed ? row.bits - 1 : row.bits)) - 1;
}

void GraphWriter::take(const std::string& name) {
  require(names_.insert(name).second, "ONNX graph {}: the name '{}' is used twice", graph_.name(), name);
}

std::string GraphWriter::node(const std::string& type, const std::vector<std::string>& inputs, const std::string& name,
                              const OnnxAttributes& attributes) {
  take(name);
  onnx::NodeProto& node = *graph_.add_node();
  node.set_op_type(type);
  node.set_name(name);
  for (const std::string& input : inputs) node.add_input(input);
  node.add_output(name);
  for (const AttributeProto& made : attributes) *node.add_attribute() = made;
  return name;
}

TensorProto& GraphWriter::initializer(const std::string& name, const std::vector<int64_t>& shape, OnnxType type) {
  take(name);
  TensorProto& tensor = *graph_.add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(type);
  for (const int64_t extent : shape) tensor.add_dims(extent);
  return tensor;
}

std::string GraphWriter::floats(const std::string& name, const std::vector<int64_t>& shape,
                                const std::vector<float>& values) {
  std::string bytes;
  for (const float value : values) append(bytes, value);
  initializer(name, shape, TensorProto::FLOAT).set_raw_data(bytes);
  return name;
}

std::string GraphWriter::halves(const std::string& name, const std::vector<int64_t>& shape,
                                const std::vector<float>& values) {
  std::string bytes;
  for (const float value : values) append(bytes, to_half(value));
  initializer(name, shape, TensorProto::FLOAT16).set_raw_data(bytes);
  return name;
}

std::string GraphWriter::codes(const std::string& name, const std::vector<int64_t>& shape,
                               const std::vector<float>& values, OnnxType type) {
  initializer(name, shape, type).set_raw_data(code_bytes(values, row_of(type).bits));
  return name;
}

std::string GraphWriter::integers(const std::string& name, const std::vector<int64_t>& values) {
  std::string bytes;
  for (const int64_t value : values) append(bytes, value);
  initializer(name, {static_cast<int64_t>(values.size())}, TensorProto::INT64).set_raw_data(bytes);
  return name;
}

std::string GraphWriter::scalar(float value) {
  std::string name = fmt::format("scalar/{}", value);
  return names_.contains(name) ? name : floats(name, {}, {value});
}

std::string GraphWriter::shared_integers(const std::vector<int64_t>& values) {
  std::string name = fmt::format("constant/{}", fmt::join(values, ","));
  return names_.contains(name) ? name : integers(name, values);
}

std::string GraphWriter::axis(int64_t value) {
  std::string name = fmt::format("axis/{}", value);
  if (names_.contains(name)) return name;
  std::string bytes;
  append(bytes, value);
  initializer(name, {}, TensorProto::INT64).set_raw_data(bytes);
  return name;
}

void GraphWriter::set_input(const std::string& name, OnnxType type, const std::vector<int64_t>& shape) {
  take(name);
  set_type(*graph_.add_input(), name, type, shape);
}

void GraphWriter::set_output(const std::string& name, const std::vector<int64_t>& shape) {
  set_type(*graph_.add_output(), name, TensorProto::FLOAT, shape);
}

void GraphWriter::describe(const std::string& name, const std::vector<int64_t>& shape) {
  set_type(*graph_.add_value_info(), name, TensorProto::FLOAT, shape);
}

}  // namespace carat
