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

TEST(Cifar10, ReadsItsFiveFilesInOrder) {
  const TemporaryFolder folder;
  const DatasetInfo tiny = {"cifar10", "", 3, 32, 32, 10, 5, 1, open_cifar10};
  const DataSource source{.name = "cifar10", .root = folder.text()};
  for (char i = 1; i <= 5; ++i)
    write_atomically(folder / ("cifar-10-batches-bin/data_batch_" + std::to_string(i) + ".bin"),
                     std::string(1, i) + std::string(3072, i));
  write_atomically(folder / "cifar-10-batches-bin/test_batch.bin", std::string(1, 9) + std::string(3072, 9));
  EXPECT_EQ(open_cifar10(tiny, source, Split::train, {}).labels, (std::vector<int32_t>{1, 2, 3, 4, 5}));
  EXPECT_EQ(open_cifar10(tiny, source, Split::test, {}).labels, (std::vector<int32_t>{9}));
  const std::string test = folder / "cifar-10-batches-bin/test_batch.bin";
  write_atomically(test, std::string(1, 10) + std::string(3072, 9));
  const auto open = [&] { open_cifar10(tiny, source, Split::test, {}); };
  EXPECT_EQ(message_of(open), test + ": record 0: expected labels below 10, got 10");
  write_atomically(test, "short");
  EXPECT_EQ(message_of(open), test + ": expected 1 records of 3073 bytes = 3073 bytes, got 5");
  std::filesystem::remove(test);
  EXPECT_EQ(message_of(open), test + ": expected CIFAR-10 here, found no such file");
}

class IdxFiles : public testing::Test {
 protected:
  void SetUp() override {
    write_atomically(folder_ / "train-images-idx3-ubyte", idx(3, {3, 2, 2}, "abcdefghijkl"));
    write_atomically(folder_ / "train-labels-idx1-ubyte", idx(1, {3}, std::string("\x00\x04\x01", 3)));
    write_gzip(folder_ / "t10k-images.idx3-ubyte.gz", idx(3, {1, 2, 2}, "wxyz"));
    write_gzip(folder_ / "t10k-labels.idx1-ubyte.gz", idx(1, {1}, std::string("\x02", 1)));
  }
  std::string message(Split split, const ImageFormat& format = {}) const {
    return message_of([&] { open_dataset(source_, split, format); });
  }
  TemporaryFolder folder_;
  DataSource source_{.name = "idx", .root = folder_.text()};
};

TEST_F(IdxFiles, AnyShapePlainOrGzip) {
  const Dataset training = open_dataset(source_, Split::train);
  EXPECT_EQ(training.labels, (std::vector<int32_t>{0, 4, 1}));
  EXPECT_EQ(training.classes, 5);
  EXPECT_EQ(training.height, 2);
  const Dataset test = open_dataset(source_, Split::test);
  EXPECT_EQ(test.classes, 5);
  uint8_t pixels[4];
  EXPECT_TRUE(test.read(0, pixels));
  EXPECT_EQ(std::string(pixels, pixels + 4), "wxyz");
  EXPECT_EQ(describe(source_).train_size, 3);
}

TEST_F(IdxFiles, RefusesWhatDoesNotFit) {
  EXPECT_EQ(message(Split::test, {1, 28, 28}), "idx: expected a network with input 1x2x2, got 1x28x28");
  write_gzip(folder_ / "t10k-labels.idx1-ubyte.gz", idx(1, {1}, std::string("\x07", 1)));
  EXPECT_EQ(message(Split::test),
            folder_.text() + ": expected labels below 5 as in " + (folder_ / "train-labels-idx1-ubyte") + ", got 7");
  const std::string images = folder_ / "train-images-idx3-ubyte";
  write_atomically(images, idx(3, {3, 2, 2}, "abcdefghijk"));
  EXPECT_EQ(message(Split::train), images + ": expected 28 bytes inside, got 27");
  write_atomically(images, idx(3, {3, 2, 2}, "abcdefghijklm"));
  EXPECT_EQ(message(Split::train), images + ": expected 28 bytes inside, got more");
  write_atomically(images, idx(3, {4, 2, 2}, "abcdefghijklmnop"));
  EXPECT_EQ(message(Split::train), (folder_ / "train-labels-idx1-ubyte") + ": expected extent 0 to be 4, got 3");
  write_atomically(images, std::string("\0\0\x08\x03\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\x09", 16));
  EXPECT_EQ(message(Split::train), images + ": expected less than 4 GiB of values, got more");
  std::filesystem::remove(images);
  EXPECT_EQ(message(Split::train),
            folder_.text() + ": expected an IDX file train-images-idx3-ubyte here, plain or .gz, found none");
  source_.root.clear();
  EXPECT_EQ(message(Split::train), "idx: expected the folder of the IDX files in data.root, found none");
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
    augment(data, image.data(), {.crop_padding = 1, .flip = true}, random, result.data());
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
    augment(data, image.data(), {.cutout = 2}, random, result.data());
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
    o.augmentation = {.crop_padding = 2, .flip = true, .cutout = 3};
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
