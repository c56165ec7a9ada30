// SPDX-License-Identifier: Apache-2.0
// Builds a GraphProto: nodes, initializers and the types of values.
#pragma once

#include <onnx.pb.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace carat {

using OnnxType = onnx::TensorProto_DataType;
using OnnxAttributes = std::vector<onnx::AttributeProto>;

onnx::AttributeProto attribute(const std::string& name, int64_t value);
onnx::AttributeProto attribute(const std::string& name, float value);
onnx::AttributeProto attribute(const std::string& name, const char* value);
onnx::AttributeProto attribute(const std::string& name, const std::vector<int64_t>& values);

// The smallest type that codes of these extremes fit: INT4, INT8 or INT16, unsigned where none is negative.
OnnxType code_type(int64_t lowest, int64_t highest);
// What codes of a type can be.
int64_t lowest_of(OnnxType type);
int64_t highest_of(OnnxType type);

class GraphWriter {
 public:
  explicit GraphWriter(const std::string& name) { graph_.set_name(name); }

  // A node and its only result, both of this name. Every call returns the name that it gave.
  // Throws Error when the name is taken.
  std::string node(const std::string& type, const std::vector<std::string>& inputs, const std::string& name,
                   const OnnxAttributes& attributes = {});

  // Initializers. fp16: values that fp16 holds. codes: whole numbers that the type holds; two INT4 or UINT4 to a byte,
  // the first in the low half.
  std::string floats(const std::string& name, const std::vector<int64_t>& shape, const std::vector<float>& values);
  std::string halves(const std::string& name, const std::vector<int64_t>& shape, const std::vector<float>& values);
  std::string codes(const std::string& name, const std::vector<int64_t>& shape, const std::vector<float>& values,
                    OnnxType type);
  std::string integers(const std::string& name, const std::vector<int64_t>& values);

  // Numbers that many nodes share.
  std::string scalar(float value);
  std::string shared_integers(const std::vector<int64_t>& values);
  std::string axis(int64_t value);

  // Types of values; -1 is the batch.
  void set_input(const std::string& name, OnnxType type, const std::vector<int64_t>& shape);
  void set_output(const std::string& name, const std::vector<int64_t>& shape);
  void describe(const std::string& name, const std::vector<int64_t>& shape);

  const onnx::GraphProto& graph() const { return graph_; }

 private:
  void take(const std::string& name);
  onnx::TensorProto& initializer(const std::string& name, const std::vector<int64_t>& shape, OnnxType type);

  onnx::GraphProto graph_;
  std::set<std::string> names_;
};

}  // namespace carat
