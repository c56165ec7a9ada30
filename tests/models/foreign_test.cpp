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
  EXPECT_EQ(message_of([] { read_tensors("1234567", "f"); }), "f: expected a safetensors file, got 7 bytes");
  EXPECT_EQ(message_of([] { read_tensors(std::string("\x09\0\0\0\0\0\0\0{}", 10), "f"); }),
            "f: expected a header of 9 bytes, the file has 2 after its length");
  EXPECT_EQ(message_of([] { read_tensors(std::string(8, '\xff') + "{}", "f"); }),
            "f: expected a header of 18446744073709551615 bytes, the file has 2 after its length");
  EXPECT_EQ(refusal(R"({"a": {"dtype": "U8", "shape": [1], "data_offsets": [3, 2]}})", "1234"),
            "f: tensor a: offsets 3..2 are outside the 4 bytes of data");
  EXPECT_NE(refusal(R"({"a": {"dtype": "U8", "shape": [-1], "data_offsets": [0, 4]}})", "1234").find("illegal shape"),
            std::string::npos);
  EXPECT_NE(refusal(std::string(1000, '['), "").find("nested deeper"), std::string::npos);
  EXPECT_NE(refusal("[1]", "").find("expected an object"), std::string::npos);
}

ModelGraph small_graph() { return build_model("resnet8", {{"width", 4}}, {1, 8, 8}, 3); }

// Tensors of a small network, which a test then spoils.
class ForeignTest : public testing::Test {
 protected:
  std::string refusal() {
    return message_of([&] { model_from_tensors(file_, graph_, "f"); });
  }
  RawTensor& tensor(const std::string& name) { return file_.tensors.at(name); }
  // The tensor of n values of four bytes, all with these bits.
  void fill(const std::string& name, uint32_t bits) {
    std::string& bytes = replaced_[name];
    bytes.clear();
    for (size_t i = 0; i < tensor(name).bytes.size() / 4; ++i) bytes.append(reinterpret_cast<const char*>(&bits), 4);
    tensor(name).bytes = bytes;
  }

  ModelGraph graph_ = small_graph();
  std::string bytes_ = to_safetensors(initialize(graph_, 1));
  TensorFile file_ = read_tensors(bytes_, "f");
  std::map<std::string, std::string> replaced_;
};

TEST_F(ForeignTest, ListsEverythingThatDoesNotFit) {
  EXPECT_EQ(mismatches(file_, graph_).count(), 0U);
  EXPECT_EQ(model_from_tensors(file_, graph_, "f").buffers, initialize(graph_, 1).buffers);
  file_.tensors["extra"] = tensor("stem.bn.weight");
  file_.tensors["stem.bn.num_batches_tracked"] = {"I64", {}, std::string_view(bytes_).substr(0, 8)};
  tensor("stem.bn.bias").shape = {2, 2};
  tensor("block1.bn1.bias").shape = {};
  tensor("block1.bn2.weight").type = "I32";
  tensor("block2.bn1.weight").type = "BOOL";
  file_.tensors.erase("stem.bn.running_mean");
  EXPECT_EQ(refusal(),
            "f: not the network resnet8 in layout carat: 6 tensors do not fit: 1 missing, 1 surplus, 4 of another "
            "shape or type\n"
            "  missing tensor 'stem.bn.running_mean', shape 4\n"
            "  surplus tensor 'extra', shape 4\n"
            "  tensor 'block1.bn1.bias': expected shape 4, got a single value\n"
            "  tensor 'block1.bn2.weight': expected type F32, F16, BF16 or F64, got I32\n"
            "  tensor 'block2.bn1.weight': expected type F32, F16, BF16 or F64, got BOOL\n"
            "  tensor 'stem.bn.bias': expected shape 4, got 2x2");
}

TEST_F(ForeignTest, LinearWeightsAreFlatOrFourDimensional) {
  ASSERT_EQ(tensor("classifier.weight").shape, (std::vector<int64_t>{3, 20, 1, 1}));
  tensor("classifier.weight").shape = {3, 20};
  EXPECT_EQ(model_from_tensors(file_, graph_, "f").buffers, initialize(graph_, 1).buffers);
  tensor("classifier.weight").shape = {3, 20, 1};
  EXPECT_NE(refusal().find("'classifier.weight': expected shape 3x20x1x1, got 3x20x1"), std::string::npos);
  tensor("classifier.weight").shape = {3, 20};
  tensor("block1.shortcut.conv.weight").shape = {4, 4};
  EXPECT_NE(refusal().find("'block1.shortcut.conv.weight': expected shape 4x4x1x1, got 4x4"), std::string::npos);
}

TEST_F(ForeignTest, NumbersAreFinite) {
  fill("stem.conv.weight", 0x7fc00000);
  EXPECT_EQ(refusal(), "f: tensor 'stem.conv.weight': value 0: expected a finite float32 number, got nan");
  fill("stem.conv.weight", 0xff800000);
  EXPECT_EQ(refusal(), "f: tensor 'stem.conv.weight': value 0: expected a finite float32 number, got -inf");
}

TEST_F(ForeignTest, NamesOfALayout) {
  const Layout layout{"there", {{"stem.conv", "conv1"}, {"classifier", "fc"}}};
  const Model model = initialize(graph_, 1);
  const std::string bytes = tensors_from_model(model, layout);
  const TensorFile file = read_tensors(bytes, "f");
  EXPECT_TRUE(file.tensors.contains("conv1.weight"));
  EXPECT_FALSE(file.tensors.contains("stem.conv.weight"));
  EXPECT_EQ(file.tensors.at("fc.weight").shape, (std::vector<int64_t>{3, 20}));
  EXPECT_EQ(model_from_tensors(file, graph_, "f", layout).buffers, model.buffers);
  EXPECT_EQ(mismatches(file, graph_).missing.size(), 3U);
  const Layout clash{"there", {{"stem.conv", "x"}, {"block1.conv1", "x"}}};
  EXPECT_EQ(message_of([&] { tensors_from_model(model, clash); }),
            "network resnet8: layout there: two layers have the tensor 'x.weight'");
}

TEST(Foreign, QuantizersWithScalesHaveNoNamesElsewhere) {
  std::vector<LayerSpec> layers = small_graph().layers();
  layers[1].quant = QuantSpec::symmetric(4, Granularity::kernel);
  const Model model = initialize(ModelGraph("net", layers), 1);
  EXPECT_EQ(message_of([&] { tensors_from_model(model, {}); }),
            "layer stem.conv: expected a layer that other programs know, got a quantizer with a scale of its own");
}

TEST(Foreign, FullRangeCodes) {
  EXPECT_EQ(QuantSpec::full_range(4, Granularity::kernel).lowest_code(), -8);
  EXPECT_EQ(QuantSpec::full_range(4, Granularity::kernel).highest_code(), 7);
}

}  // namespace
}  // namespace carat
