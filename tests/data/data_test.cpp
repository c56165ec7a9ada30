// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <zlib.h>

#include <numeric>

#include "base/file.h"
#include "data/dataset.h"
#include "data/loader.h"
#include "tests/support/files.h"

namespace carat {
namespace {

const DatasetInfo kTiny = {"tiny", "", 1, 2, 3, 10, 4, 2, open_fashion_mnist};
const DatasetInfo kTinyCifar = {"tiny", "", 3, 32, 32, 100, 3, 2, open_cifar100};

void write_gzip(const std::string& path, const std::string& content) {
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, content.data(), static_cast<unsigned>(content.size()));
  gzclose(file);
}

std::string idx(char kind, const std::vector<int>& extents, const std::string& payload) {
  std::string bytes = {0, 0, 8, kind};
  for (const int extent : extents) bytes += std::string({0, 0, 0, static_cast<char>(extent)});
  return bytes + payload;
}

class FashionFiles : public testing::Test {
 protected:
  void SetUp() override {
    write_gzip(images(), idx(3, {2, 2, 3}, "abcdefghijkl"));
    write_gzip(labels(), idx(1, {2}, std::string("\x03\x09", 2)));
  }
  std::string images() const { return folder_ / "t10k-images-idx3-ubyte.gz"; }
  std::string labels() const { return folder_ / "t10k-labels-idx1-ubyte.gz"; }
  std::string message() const {
    return message_of([&] { open_fashion_mnist(kTiny, {.name = "tiny", .root = folder_.text()}, Split::test, {}); });
  }
  TemporaryFolder folder_;
};

TEST_F(FashionFiles, ReadsEveryByte) {
  const Dataset data = open_fashion_mnist(kTiny, {.name = "tiny", .root = folder_.text()}, Split::test, {});
  std::string pixels(12, '\0');
  for (int64_t i = 0; i < 2; ++i) EXPECT_TRUE(data.read(i, reinterpret_cast<uint8_t*>(pixels.data()) + 6 * i));
  EXPECT_EQ(pixels, "abcdefghijkl");
  EXPECT_EQ(data.labels, (std::vector<int32_t>{3, 9}));
}

TEST_F(FashionFiles, RefusesBadFiles) {
  const std::string whole = read_text(images());
  write_atomically(images(), whole.substr(0, whole.size() - 9));
  EXPECT_EQ(message(), images() + ": expected a whole gzip file, got a truncated or damaged one");
  write_atomically(images(), "not gzip at all");
  EXPECT_EQ(message(), images() + ": expected a gzip file, got other content");
  write_gzip(images(), idx(1, {2, 2, 3}, "abcdefghijkl"));
  EXPECT_EQ(message(), images() + ": expected IDX magic 0x00000803, got 0x00000801");
  write_gzip(images(), idx(3, {2, 2, 4}, "abcdefghijkl"));
  EXPECT_EQ(message(), images() + ": expected extent 2 to be 3, got 4");
  write_gzip(images(), idx(3, {2, 2, 3}, "abcdefghijk"));
  EXPECT_EQ(message(), images() + ": expected 28 bytes inside, got 27");
  write_gzip(images(), idx(3, {2, 2, 3}, std::string(1000000, 'x')));
  EXPECT_EQ(message(), images() + ": expected 28 bytes inside, got more");
  write_gzip(images(), idx(3, {2, 2, 3}, "abcdefghijkl"));
  write_gzip(labels(), idx(1, {2}, std::string("\x03\x0A", 2)));
  EXPECT_EQ(message(), labels() + ": label 1: expected 0 to 9, got 10");
  std::filesystem::remove(labels());
  EXPECT_EQ(message(), labels() +
                           ": expected Fashion-MNIST here, found no such file; install Debian's "
                           "dataset-fashion-mnist or set data.root");
}

TEST(Cifar100, ReadsAndRefuses) {
  const TemporaryFolder folder;
  const std::string path = folder / "test.bin";
  std::string records;
  for (const char fine : {5, 99}) records += std::string({1, fine}) + std::string(3072, fine);
  write_atomically(path, records);
  const auto open = [&] { return open_cifar100(kTinyCifar, {.name = "tiny", .root = folder.text()}, Split::test, {}); };
  EXPECT_EQ(open().labels, (std::vector<int32_t>{5, 99}));
  std::vector<uint8_t> image(3072);
  open().read(1, image.data());
  EXPECT_EQ(image, std::vector<uint8_t>(3072, 99));
  write_atomically(path, records.substr(1));
  EXPECT_EQ(message_of(open), path + ": expected 2 records of 3074 bytes = 6148 bytes, got 6147");
  records[3075] = 100;
  write_atomically(path, records);
  EXPECT_EQ(message_of(open), path + ": record 1: expected labels below 20 and 100, got 1 and 100");
  std::filesystem::remove(path);
  EXPECT_EQ(message_of(open), path + ": expected CIFAR-100 here, found no such file");
}

TEST(RealData, FashionMnist) {
  if (!std::filesystem::exists("/usr/share/datasets/fashion-mnist"))
    GTEST_SKIP() << "dataset-fashion-mnist is not installed";
  const Dataset data = open_dataset({.name = "fashion_mnist"}, Split::train);
  std::vector<int64_t> per_class(10, 0);
  for (const int32_t label : data.labels) ++per_class[static_cast<size_t>(label)];
  EXPECT_EQ(per_class, std::vector<int64_t>(10, 6000));
}

TEST(RealData, Cifar100) {
  if (std::getenv("CARAT_DATA") == nullptr) GTEST_SKIP() << "CARAT_DATA is not set";
  const Dataset data = open_dataset({.name = "cifar100"}, Split::test);
  std::vector<int64_t> per_class(100, 0);
  for (const int32_t label : data.labels) ++per_class[static_cast<size_t>(label)];
  EXPECT_EQ(per_class, std::vector<int64_t>(100, 100));
}

TEST(Augment, CutoutAndShiftByHand) {
  Dataset data;
  data.channels = 1;
  data.height = data.width = 4;
  std::vector<uint8_t> image(16);
  std::iota(image.begin(), image.end(), uint8_t{1});
  std::vector<uint8_t> result(16);
  bool saw_mirror = false;
  for (int64_t i = 0; i < 200; ++i) {
    Random random({1, "", "", i});
    augment(data, image.data(), {1, true, 0}, random, result.data());
    // Every pixel is where one shift and one optional mirroring put it; what came from outside is 0.
    bool explained = false;
    for (int64_t dy = -1; dy <= 1; ++dy)
      for (int64_t dx = -1; dx <= 1; ++dx)
        for (const bool mirror : {false, true}) {
          bool same = true;
          for (int64_t y = 0; y < 4; ++y)
            for (int64_t x = 0; x < 4; ++x) {
              const int64_t sy = y + dy;
              const int64_t sx = (mirror ? 3 - x : x) + dx;
              const uint8_t expected =
                  sy >= 0 && sy < 4 && sx >= 0 && sx < 4 ? image[static_cast<size_t>(sy * 4 + sx)] : uint8_t{0};
              same = same && result[static_cast<size_t>(y * 4 + x)] == expected;
            }
          explained = explained || same;
          saw_mirror = saw_mirror || (same && mirror);
        }
    EXPECT_TRUE(explained);
    augment(data, image.data(), {0, false, 2}, random, result.data());
    const auto zeros = std::count(result.begin(), result.end(), uint8_t{0});
    EXPECT_TRUE(zeros == 1 || zeros == 2 || zeros == 4) << zeros;
  }
  EXPECT_TRUE(saw_mirror);
}

TEST(Loader, DoesNotDependOnThreadsOrHistory) {
  const Dataset data = open_dataset({.name = "synthetic"}, Split::test);
  const auto options = [](int64_t threads) {
    LoaderOptions o;
    o.batch_size = 64;
    o.augmentation = {2, true, 3};
    o.seed = 9;
    o.stage = "train";
    o.threads = threads;
    return o;
  };
  std::vector<Batch> expected;
  {
    Loader loader(data, options(1));
    EXPECT_EQ(loader.steps_per_epoch(), 7);
    for (int i = 0; i < 16; ++i) expected.push_back(loader.next());
  }
  for (const int64_t threads : {2, 5}) {
    Loader loader(data, options(threads));
    for (int i = 0; i < 16; ++i) EXPECT_EQ(loader.next().pixels, expected[static_cast<size_t>(i)].pixels);
    loader.seek(11);
    EXPECT_EQ(loader.next().pixels, expected[11].pixels);
  }
  EXPECT_NE(expected[0].labels, expected[7].labels);
}

TEST(HoldBack, SplitsWithoutOverlap) {
  const Dataset data = open_dataset({.name = "synthetic"}, Split::test);
  HeldBack split = hold_back(data, 120, 1);
  EXPECT_EQ(split.held_back.size(), 120U);
  std::vector<int64_t> all = split.training;
  all.insert(all.end(), split.held_back.begin(), split.held_back.end());
  std::sort(all.begin(), all.end());
  for (int64_t i = 0; i < data.size(); ++i) EXPECT_EQ(all[static_cast<size_t>(i)], i);
}

}  // namespace
}  // namespace carat
