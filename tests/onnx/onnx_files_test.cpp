// SPDX-License-Identifier: Apache-2.0
// What ONNX Runtime computed: the very file that it read is what is exported, and its logits are the executor's.
// Made by tools/check_onnx.py --golden, see docs/onnx.md.
#include <gtest/gtest.h>
#include <zlib.h>

#include <cmath>
#include <cstdlib>
#include <sstream>

#include "base/file.h"
#include "data/batch.h"
#include "models/onnx/export.h"
#include "models/packed/reference_executor.h"
#include "tests/onnx/every_kind.h"
#include "tests/onnx/every_op.h"
#include "tests/support/files.h"

namespace carat {
namespace {

struct Golden {
  size_t bytes = 0;
  uint32_t crc32 = 0;
  std::vector<std::vector<float>> logits;  // of the first images
};

Golden read_golden(const std::string& name) {
  std::istringstream lines(read_text(source_folder() + "/tests/golden/onnx/" + name + ".txt"));
  Golden golden;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string word;
    if (line.starts_with("#")) continue;
    if (line.starts_with("bytes ")) {
      words >> word >> golden.bytes >> word >> golden.crc32;
      continue;
    }
    std::vector<float> row;
    while (words >> word) row.push_back(std::strtof(word.c_str(), nullptr));
    golden.logits.push_back(row);
  }
  return golden;
}

void check_file(const Model& model, const Golden& golden) {
  const std::string bytes = to_onnx(model, OnnxNumbers::codes);
  EXPECT_EQ(bytes.size(), golden.bytes);
  EXPECT_EQ(crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())), golden.crc32)
      << "the exported file is another than ONNX Runtime has checked: run tools/check_onnx.py again";
}

std::vector<float> executed(const Model& model, const std::vector<uint8_t>& pixels) {
  const auto images = static_cast<int64_t>(pixels.size()) / model.graph.input().input_shape.elements();
  std::vector<float> logits(static_cast<size_t>(images * model.graph.classes()));
  ReferenceExecutor(pack(model)).run(pixels.data(), images, logits.data(), 1);
  return logits;
}

// After the last quantizer ONNX fixes no order of sums: codes are equal there, logits nearly so.
void check_synthetic(const std::string& name, const Model& model) {
  const Golden golden = read_golden(name);
  check_file(model, golden);
  const auto count = static_cast<int64_t>(golden.logits.size());
  ASSERT_GE(count, 3);
  const std::vector<float> ours =
      executed(model, gather(open_dataset({.name = "synthetic"}, Split::test), 0, count).pixels);
  for (size_t i = 0; i < ours.size(); ++i) {
    const float theirs = golden.logits[i / 10][i % 10];
    EXPECT_NEAR(ours[i], theirs, 1e-5F * std::max(1.0F, std::fabs(theirs))) << i;
  }
}

TEST(OnnxFiles, EveryOperation) { check_synthetic("every_op", EveryOp().build()); }
TEST(OnnxFiles, EveryQuantizer) { check_synthetic("every_quantizer", EveryQuantizer().build()); }

TEST(OnnxFiles, EveryKind) { check_synthetic("every_kind", EveryKind().build()); }

TEST(OnnxFiles, Demo) {
  const Golden golden = read_golden("demo");
  const Model model = unpack(read_packed(source_folder() + "/results/demo/model.carat"));
  check_file(model, golden);
  if (!std::filesystem::exists("/usr/share/datasets/fashion-mnist")) GTEST_SKIP() << "no Fashion-MNIST here";
  const auto count = static_cast<int64_t>(golden.logits.size());
  ASSERT_GE(count, 3);
  const std::vector<float> ours =
      executed(model, gather(open_dataset({.name = "fashion_mnist"}, Split::test), 0, count).pixels);
  for (size_t i = 0; i < ours.size(); ++i) EXPECT_EQ(ours[i], golden.logits[i / 10][i % 10]) << i;
}

TEST(OnnxFiles, EngineHoldsNoProtobufOfOurs) {
  const char* moved = std::getenv("CARAT_BINARY_DIR");
  const std::string engine = std::string(moved != nullptr ? moved : CARAT_BINARY_DIR) + "/bin/carat-engine";
  if (!std::filesystem::exists(engine)) GTEST_SKIP() << "no carat-engine in this build";
  const std::string bytes = read_text(engine);
  for (const char* symbol : {"6google8protobuf", "4onnx10ModelProto"})
    EXPECT_EQ(bytes.find(symbol), std::string::npos) << symbol;
}

// Writes the networks into the folder CARAT_ONNX_NETWORKS, for carat export and carat codes.
TEST(OnnxFiles, DISABLED_WriteNetworks) {
  const char* folder = std::getenv("CARAT_ONNX_NETWORKS");
  ASSERT_NE(folder, nullptr);
  write_atomically(std::string(folder) + "/every_op.carat", to_bytes(pack(EveryOp().build())));
  write_atomically(std::string(folder) + "/every_quantizer.carat", to_bytes(pack(EveryQuantizer().build())));
  write_atomically(std::string(folder) + "/every_kind.carat", to_bytes(pack(EveryKind().build())));
}

}  // namespace
}  // namespace carat
