// SPDX-License-Identifier: Apache-2.0
// carat pack, verify, explain and inspect as a user calls them.
#include <gtest/gtest.h>

#include <fmt/format.h>
#include <cstdlib>

#include "base/file.h"
#include "models/packed/packed_model.h"
#include "tests/support/files.h"
#include "tests/support/process.h"

namespace carat {
namespace {

class PackedCommands : public testing::Test {
 protected:
  int run(const std::string& words) {
    const std::string command =
        fmt::format("CARAT_COMMIT= {}/carat {} >{} 2>{}", program_folder(), words, folder_ / "out", folder_ / "err");
    const int status = std::system(command.c_str());
    out_ = read_text(folder_ / "out");
    err_ = read_text(folder_ / "err");
    return WEXITSTATUS(status);
  }
  static std::string demo() { return source_folder() + "/results/demo/model.carat"; }
  bool printed(const std::string& text) const { return out_.find(text) != std::string::npos; }

  TemporaryFolder folder_;
  std::string out_;
  std::string err_;
};

TEST_F(PackedCommands, VerifyComparesTheExecutors) {
  EXPECT_EQ(run("verify " + demo() + " --limit 20"), 0) << err_;
  EXPECT_TRUE(printed("against the reference executor, 20 random images: 779,400 values compared, 0 differ")) << out_;
}

TEST_F(PackedCommands, VerifyAgainstAModel) {
  EXPECT_EQ(run("verify " + demo() + " --limit 3 --against " + demo()), 0) << err_;
  EXPECT_TRUE(printed(" 0 differ")) << out_;
  // The same network with one bias changed: the first difference is named.
  Model other = unpack(read_packed(demo()));
  other.buffer("stem.conv.scale.bias").values[0] = 2.0F;
  write_atomically(folder_ / "other.carat", to_bytes(pack(other)));
  EXPECT_EQ(run("verify " + demo() + " --limit 3 --against " + (folder_ / "other.carat")), 1);
  EXPECT_TRUE(printed("first: image 0, layer stem.")) << out_;
  EXPECT_TRUE(printed(", channel 0, pixel (")) << out_;
}

TEST_F(PackedCommands, VerifyRefusesADamagedFile) {
  std::string bytes = read_text(demo());
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  write_atomically(folder_ / "bad.carat", bytes);
  EXPECT_EQ(run("verify " + (folder_ / "bad.carat")), 1);
  EXPECT_EQ(err_,
            fmt::format("carat: {}: the checksum is wrong: the file is truncated or damaged\n", folder_ / "bad.carat"));
}

TEST_F(PackedCommands, PackGivesTheSamePayload) {
  EXPECT_EQ(run("pack " + demo() + " --out " + (folder_ / "again.carat")), 0) << err_;
  EXPECT_EQ(read_packed(folder_ / "again.carat").payload, read_packed(demo()).payload);
  EXPECT_EQ(run("pack " + demo() + " --out " + demo()), 2);
  EXPECT_EQ(run("inspect " + (folder_ / "again.carat")), 0);
  EXPECT_TRUE(printed("payload 185,660 bits")) << out_;
}

TEST_F(PackedCommands, ExplainShowsTheAccumulator) {
  EXPECT_EQ(run("explain " + demo() + " classifier --track fashion_mnist"), 0) << err_;
  EXPECT_TRUE(
      printed("accumulator of classifier\n  operands          inputs 0 .. 15 (4 bits), weights -7 .. 7 (4 bits)"))
      << out_;
  EXPECT_TRUE(printed("; executed in int32\n")) << out_;
}

}  // namespace
}  // namespace carat
