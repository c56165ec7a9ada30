// SPDX-License-Identifier: Apache-2.0
// Bad data files under the whole program: one line, exit status 1, nothing half-written.
#include <gtest/gtest.h>
#include <zlib.h>

#include "base/file.h"
#include "tests/support/files.h"
#include "tests/support/process.h"

namespace carat {
namespace {

void write_gzip(const std::string& path, const std::string& content) {
  gzFile file = gzopen(path.c_str(), "wb1");
  gzwrite(file, content.data(), static_cast<unsigned>(content.size()));
  gzclose(file);
}

std::string idx(const std::vector<int>& extents, size_t values) {
  std::string bytes = {0, 0, 8, static_cast<char>(extents.size())};
  for (const int extent : extents)
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>((extent >> shift) & 255);
  return bytes + std::string(values, '\0');
}

class BadData : public testing::Test {
 protected:
  void SetUp() override {
    write_atomically(folder_ / "r.yaml",
                     "track: fashion_mnist\nmodel: {name: resnet8, width: 4}\ndata: {name: "
                     "fashion_mnist, root: \"" +
                         folder_.text() + "\"}\nstages: [train]\n");
    write_gzip(labels(), idx({60000}, 60000));
    write_gzip(images(), idx({60000, 28, 28}, size_t{60000} * 784));
  }
  std::string images() const { return folder_ / "train-images-idx3-ubyte.gz"; }
  std::string labels() const { return folder_ / "train-labels-idx1-ubyte.gz"; }
  void expect_refused(const std::string& message) const {
    const std::string runs = folder_ / "runs";
    EXPECT_EQ(finish(start_engine({"run", folder_ / "r.yaml", "--runs", runs, "--device", "cpu"}, folder_ / "err")), 1);
    EXPECT_EQ(read_text(folder_ / "err"), "carat: " + message + "\n");
    EXPECT_FALSE(std::filesystem::exists(runs));
  }
  TemporaryFolder folder_;
};

TEST_F(BadData, IsRefusedBeforeAnythingIsWritten) {
  const std::string whole = read_text(images());
  write_atomically(images(), whole.substr(0, whole.size() / 2));
  expect_refused(images() + ": expected a whole gzip file, got a truncated or damaged one");
  write_atomically(images(), "plain text");
  expect_refused(images() + ": expected a gzip file, got other content");
  write_gzip(images(), idx({60000}, 60000));
  expect_refused(images() + ": expected IDX magic 0x00000803, got 0x00000801");
  write_atomically(images(), whole);
  std::string wrong = idx({60000}, 60000);
  wrong[8 + 77] = 10;
  write_gzip(labels(), wrong);
  expect_refused(labels() + ": label 77: expected 0 to 9, got 10");
  std::filesystem::remove(labels());
  expect_refused(labels() +
                 ": expected Fashion-MNIST here, found no such file; install Debian's dataset-fashion-mnist or set "
                 "data.root");
}

}  // namespace
}  // namespace carat
