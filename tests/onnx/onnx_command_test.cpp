// SPDX-License-Identifier: Apache-2.0
// carat export --onnx and carat codes as a user calls them.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "data/batch.h"
#include "models/onnx/export.h"
#include "models/packed/reference_executor.h"
#include "models/weights/safetensors.h"
#include "tests/onnx/every_op.h"
#include "tests/support/files.h"
#include "tests/support/process.h"

namespace carat {
namespace {

class OnnxCommand : public testing::Test {
 protected:
  OnnxCommand() : packed_(pack(EveryOp().build())) { write_atomically(folder_ / "m.carat", to_bytes(packed_)); }

  int run(const std::string& words) {
    const std::string command = fmt::format("cd {} && {}/carat {} >out 2>err", folder_.text(), program_folder(), words);
    return WEXITSTATUS(std::system(command.c_str()));
  }

  TemporaryFolder folder_;
  PackedModel packed_;
};

TEST_F(OnnxCommand, ExportsPackedFilesAndStageModels) {
  write_model(folder_ / "m.safetensors", unpack(packed_));
  ASSERT_EQ(run("export m.carat --onnx a.onnx"), 0) << read_text(folder_ / "err");
  EXPECT_EQ(read_text(folder_ / "a.onnx"), to_onnx(EveryOp().build(), OnnxNumbers::codes));
  ASSERT_EQ(run("export m.safetensors --onnx b.onnx"), 0) << read_text(folder_ / "err");
  EXPECT_EQ(read_text(folder_ / "b.onnx"), read_text(folder_ / "a.onnx"));
  ASSERT_EQ(run("export m.carat --onnx c.onnx --float"), 0) << read_text(folder_ / "err");
  EXPECT_EQ(read_text(folder_ / "c.onnx"), to_onnx(EveryOp().build(), OnnxNumbers::real));
}

TEST_F(OnnxCommand, SaysWhatIsWrongInOneLine) {
  const auto refused = [&](const std::string& words, int status, const std::string& part) {
    EXPECT_EQ(run(words), status) << words;
    const std::string err = read_text(folder_ / "err");
    EXPECT_NE(err.find(part), std::string::npos) << err;
    EXPECT_EQ(std::count(err.begin(), err.end(), '\n'), 1) << err;
  };
  refused("export m.carat", 2, "expected --layout L --out FILE, or --onnx FILE");
  refused("export m.carat --float --layout carat --out o", 2, "--float belongs to --onnx FILE");
  refused("export m.carat --onnx o --layout carat", 2, "--onnx takes the place of --layout and --out");
  refused("export m.carat n.carat --onnx o", 2, "expected one model");
  refused("export m.carat --onnx m.carat", 2, "--onnx: expected another file than m.carat");
  GraphBuilder one("one");
  one.linear("fc", one.input({1, 2, 2}), 3);
  write_model(folder_ / "s.safetensors", initialize(one.build(), 1));
  refused("export s.safetensors --onnx o", 1, "s.safetensors: network one: no layer has integer codes");
  refused("codes m.carat --data synthetic", 2, "'--output' is required");
  refused("codes m.carat --data synthetic --output o --split dev", 2, "--split: expected train, test, got 'dev'");
  refused("codes m.carat --data synthetic --output no/o", 1, "no/o: the disk refuses");
}

TEST_F(OnnxCommand, DumpsWhatTheExecutorComputes) {
  constexpr size_t kImage = 144;
  ASSERT_EQ(run("codes m.carat --data synthetic --limit 5 --output codes.bin"), 0) << read_text(folder_ / "err");
  const nlohmann::json index = nlohmann::json::parse(read_text(folder_ / "codes.bin.json"));
  const std::string bytes = read_text(folder_ / "codes.bin");
  const size_t record = index["record_bytes"];
  EXPECT_EQ(index["images"], 5);
  ASSERT_EQ(bytes.size(), 5 * record);
  const std::vector<uint8_t> pixels = gather(open_dataset({.name = "synthetic"}, Split::test), 0, 5).pixels;
  EXPECT_EQ(bytes.compare(4 * record, kImage, reinterpret_cast<const char*>(pixels.data()) + 4 * kImage, kImage), 0);
  std::vector<float> logits(10);
  size_t compared = 0;
  ReferenceExecutor(packed_).run_observed(pixels.data() + 4 * kImage, logits.data(),
                                          [&](size_t layer, const std::vector<float>& values) {
                                            for (const nlohmann::json& part : index["parts"]) {
                                              if (layer == 0 || part["layer"] != packed_.graph.layers()[layer].name)
                                                continue;
                                              const char* at = bytes.data() + 4 * record + part["offset"].get<size_t>();
                                              ++compared;
                                              for (size_t i = 0; i < values.size(); ++i) {
                                                if (part["type"] == "int8")
                                                  EXPECT_EQ(reinterpret_cast<const int8_t*>(at)[i], values[i]);
                                                if (part["type"] == "uint8")
                                                  EXPECT_EQ(reinterpret_cast<const uint8_t*>(at)[i], values[i]);
                                                int16_t word = 0;
                                                float number = 0;
                                                if (part["type"] == "int16")
                                                  EXPECT_EQ((std::memcpy(&word, at + 2 * i, 2), word), values[i]);
                                                if (part["type"] == "float32")
                                                  EXPECT_EQ((std::memcpy(&number, at + 4 * i, 4), number), values[i]);
                                              }
                                            }
                                          });
  EXPECT_EQ(compared, 8U);  // seven quantizers and the logits
}

}  // namespace
}  // namespace carat
