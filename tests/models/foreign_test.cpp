// SPDX-License-Identifier: Apache-2.0
// Tensors of other programs: types, bounds, and what does not fit a network.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>

#include "models/weights/foreign.h"
#include "models/weights/safetensors.h"
#include "models/zoo/zoo.h"
#include "tests/support/files.h"

namespace carat {
namespace {

std::string file_of(const std::string& header, const std::string& data) {
  std::string bytes(8, '\0');
  const uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + data;
}

std::string refusal(const std::string& header, const std::string& data) {
  return message_of([&] { read_tensors(file_of(header, data), "f"); });
}

TEST(TensorFile, ReadsEveryType) {
  // 1.5 as F32, F16 (0x3e00), BF16 (0x3fc0), F64; -2 as I8, I16, I32, I64; 3 as U8.
  const std::string data(
      "\x00\x00\xc0\x3f"
      "\x00\x3e"
      "\xc0\x3f"
      "\x00\x00\x00\x00\x00\x00\xf8\x3f"
      "\xfe"
      "\xfe\xff"
      "\xfe\xff\xff\xff"
      "\xfe\xff\xff\xff\xff\xff\xff\xff"
      "\x03",
      32);
  std::string header = "{";
  size_t at = 0;
  for (const auto& [type, size] : std::vector<std::pair<std::string, size_t>>{
           {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"F64", 8}, {"I8", 1}, {"I16", 2}, {"I32", 4}, {"I64", 8}, {"U8", 1}}) {
    header += fmt::format(R"({}"{}": {{"dtype": "{}", "shape": [1], "data_offsets": [{}, {}]}})", at > 0 ? "," : "",
                          type, type, at, at + size);
    at += size;
  }
  const std::string bytes = file_of(header + "}", data);
  const TensorFile file = read_tensors(bytes, "f");
  for (const auto& [name, tensor] : file.tensors) {
    const float expected = name == "U8" ? 3.0F : name[0] == 'I' ? -2.0F : 1.5F;
    EXPECT_EQ(to_floats(tensor, name, "f"), std::vector<float>{expected}) << name;
  }
}

TEST(TensorFile, ChecksEveryBound) {
  EXPECT_EQ(refusal(R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}})", "1234"),
            "f: tensor a: offsets 0..8 are outside the 4 bytes of data");
  EXPECT_EQ(refusal(R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 8]}})", "12345678"),
            "f: tensor a: expected 4 bytes for its shape, got 8");
  EXPECT_EQ(refusal(R"({"a": {"dtype": "F7", "shape": [1], "data_offsets": [0, 4]}})", "1234"),
            "f: tensor a: unknown type 'F7'");
  EXPECT_NE(refusal(R"({"a": {"dtype": "U8", "shape": [4294967296, 4294967296], "data_offsets": [0, 0]}})", "")
                .find("illegal"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]},
                        "b": {"dtype": "U8", "shape": [4], "data_offsets": [2, 6]}})",
                    "123456")
                .find("overlap"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"a": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]}})", "1234").find("cover 2 of 4"),
            std::string::npos);
  EXPECT_NE(refusal(std::string(1000, '['), "").find("nested deeper"), std::string::npos);
  EXPECT_NE(refusal("[1]", "").find("expected an object"), std::string::npos);
}

TEST(Foreign, ListsWhatDoesNotFit) {
  const ModelGraph graph = build_model("resnet8", {{"width", 4}}, {1, 8, 8}, 3);
  const std::string bytes = to_safetensors(initialize(graph, 1));
  TensorFile file = read_tensors(bytes, "f");
  EXPECT_TRUE(mismatches(file, graph).empty());
  EXPECT_EQ(model_from_tensors(file, graph, "f").buffers, initialize(graph, 1).buffers);
  file.tensors["extra"] = file.tensors.at("stem.bn.weight");
  file.tensors.at("stem.bn.bias").shape = {2, 2};
  file.tensors.erase("stem.bn.running_mean");
  const std::string message = message_of([&] { model_from_tensors(file, graph, "f"); });
  EXPECT_EQ(
      message,
      "f: not the network resnet8: 3 tensors do not fit: tensor 'stem.bn.bias': expected shape 4, got 2x2; no tensor "
      "'stem.bn.running_mean'; surplus tensor 'extra'");
}

TEST(Foreign, FullRangeCodes) {
  EXPECT_EQ(QuantSpec::full_range(4, Granularity::kernel).lowest_code(), -8);
  EXPECT_EQ(QuantSpec::full_range(4, Granularity::kernel).highest_code(), 7);
}

}  // namespace
}  // namespace carat
