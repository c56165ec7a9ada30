// SPDX-License-Identifier: Apache-2.0
// Image folders and label lists: what is found, in which order, and every line about what is wrong.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <numeric>

#include "base/file.h"
#include "data/image_list.h"
#include "data/loader.h"
#include "tests/support/files.h"

namespace carat {
namespace {

namespace fs = std::filesystem;

const ImageFormat kFormat = {3, 16, 16, 18, Interpolation::bilinear};

class Folder : public testing::Test {
 protected:
  void add(const std::string& name, const std::string& golden = "420.jpg") const {
    fs::create_directories(fs::path(folder_ / name).parent_path());
    fs::copy_file(source_folder() + "/tests/golden/images/" + golden, folder_ / name);
  }
  void write(const std::string& name, const std::string& text) const { write_atomically(folder_ / name, text); }
  DataSource source(const std::string& name) const {
    DataSource source{.name = name, .root = folder_.text()};
    source.report = [this](const std::string& line) { reported_.push_back(line); };
    return source;
  }
  DataSource listed(const std::string& text) const {
    write("list", text);
    DataSource flat = source("flat");
    flat.root = folder_ / "images";
    flat.labels = folder_ / "list";
    flat.classes = 5;
    return flat;
  }
  static std::string refusal(const DataSource& source, Split split = Split::test) {
    return message_of([&] { open_dataset(source, split, kFormat); });
  }
  TemporaryFolder folder_;
  mutable std::vector<std::string> reported_;
};

class ByClass : public Folder {
 protected:
  void SetUp() override {
    add("train/b/2.JPEG");
    add("train/b/10.jpg", "grey.jpg");
    add("train/a/x.png", "rgb.png");
    add("train/a/more/y.webp", "lossy.webp");
    write("train/a/notes.txt", "no image");
    add("val/b/1.jpg", "cmyk.jpg");
  }
};

TEST_F(ByClass, FindsImagesInTorchvisionsOrder) {
  const Dataset data = open_dataset(source("imagefolder"), Split::train, kFormat);
  EXPECT_EQ(data.labels, (std::vector<int32_t>{0, 0, 1, 1}));
  EXPECT_EQ(data.classes, 2);
  const Dataset test = open_dataset(source("imagefolder"), Split::test, kFormat);
  EXPECT_EQ(test.labels, (std::vector<int32_t>{1}));
  EXPECT_EQ(test.classes, 2);
  const Batch batch = gather(data, 0, 4);
  EXPECT_EQ(batch.size, 4);
  EXPECT_EQ(batch.pixels.size(), 4U * 3 * 16 * 16);
  const DatasetInfo info = describe(source("imagefolder"));
  EXPECT_EQ(info.train_size, 4);
  EXPECT_EQ(info.classes, 2);
  EXPECT_EQ(info.height, 224);
}

TEST_F(ByClass, IdentityFollowsNamesSizesAndFormat) {
  const auto identity = [&](const ImageFormat& format) {
    return open_dataset(source("imagefolder"), Split::train, format).identity;
  };
  const std::string before = identity(kFormat);
  EXPECT_EQ(identity(kFormat), before);
  EXPECT_NE(identity({3, 16, 16, 18, Interpolation::bicubic}), before);
  write("train/b/10.jpg", "shorter");
  EXPECT_NE(identity(kFormat), before);
}

TEST_F(ByClass, RefusesOtherFolders) {
  fs::create_directories(folder_ / "val/B");
  EXPECT_EQ(
      refusal(source("imagefolder")),
      (folder_ / "val") + "/B: expected one of the 2 classes of the training folder, found another; did you mean 'a'?");
  fs::create_directories(folder_ / "train/c");
  EXPECT_EQ(refusal(source("imagefolder"), Split::train),
            (folder_ / "train") + "/c: expected images (jpg, jpeg, png, webp), found none");
  fs::remove_all(folder_ / "val");
  EXPECT_EQ(refusal(source("imagefolder")),
            folder_.text() + ": expected a folder val, validation or test here, found none");
  fs::remove_all(folder_ / "train");
  fs::create_directories(folder_ / "val/a");
  EXPECT_EQ(refusal(source("imagefolder"), Split::train),
            (folder_ / "train") + ": expected a folder per class here, found no such folder");
  EXPECT_EQ(refusal({.name = "imagefolder"}), "imagefolder: expected the folder of images in data.root, found none");
}

TEST_F(ByClass, TakesAFlatValidationFolderWithAList) {
  fs::remove_all(folder_ / "val");
  for (const char* name : {"3.jpg", "1.jpg", "2.jpg"}) add(std::string("val/") + name);
  DataSource data = source("imagefolder");
  write("ids", "1\n2\n2\n");
  write("synsets", "b second\na first\n");
  data.labels = folder_ / "ids";
  data.synsets = folder_ / "synsets";
  EXPECT_EQ(open_dataset(data, Split::test, kFormat).labels, (std::vector<int32_t>{1, 0, 0}));
  write("names", "3.jpg,b\n1.jpg,0\n2.jpg,a\n");
  data.labels = folder_ / "names";
  EXPECT_EQ(open_dataset(data, Split::test, kFormat).labels, (std::vector<int32_t>{1, 0, 0}));
}

class Flat : public Folder {
 protected:
  void SetUp() override {
    for (const char* name : {"b.jpg", "a.jpg", "c.png"}) add(std::string("images/") + name);
  }
};

TEST_F(Flat, ReadsPairs) {
  EXPECT_EQ(open_dataset(listed("file,class\nc.png,4\na.jpg,0\nb.jpg,2\n"), Split::test, kFormat).labels,
            (std::vector<int32_t>{4, 0, 2}));
  EXPECT_EQ(open_dataset(listed("c.png,4\r\na.jpg,0\r\nb.jpg,2\r\n"), Split::train, kFormat).classes, 5);
}

TEST_F(Flat, NamesEveryBadLine) {
  const std::string list = folder_ / "list";
  const std::string images = folder_ / "images";
  EXPECT_EQ(refusal(listed("a.jpg,0\nb.jpg,5\nc.png,1\n")), list + ":2: expected a class from 0 to 4, found 5");
  EXPECT_EQ(refusal(listed("a.jpg,0\nb.jpg\nc.png,1\n")), list + ":2: expected file,class, found 'b.jpg'");
  EXPECT_EQ(refusal(listed("a.jpg,0\nb.jpg,x\n")),
            list + ":2: expected a class index or the name of one of 0 classes, found 'x'");
  EXPECT_EQ(refusal(listed("a.jpg,0\nz.jpg,1\n")), list + ":2: expected an image z.jpg in " + images + ", found none");
  EXPECT_EQ(refusal(listed("a.jpg,0\na.jpg,1\n")), list + ":2: expected every image once, found a.jpg again");
  EXPECT_EQ(refusal(listed("a.jpg,0\nb.jpg,1\n")), images + ": expected 2 images, found 3: " + list + " lists others");
  EXPECT_EQ(refusal(listed("")), list + ": expected a line per image, found an empty file");
  DataSource data = listed("a.jpg,0\n");
  data.labels.clear();
  EXPECT_EQ(refusal(data), "flat: expected a label list in data.labels, found none");
  data = listed("a.jpg,0\n");
  data.root = folder_ / "nowhere";
  EXPECT_EQ(refusal(data), (folder_ / "nowhere") + ": expected a folder of images here, found none");
}

TEST_F(Flat, TranslatesIds) {
  const std::string list = folder_ / "list";
  DataSource data = listed("3\n1\n2\n");
  EXPECT_EQ(refusal(data),
            list +
                ": expected a synsets file for a list of numbers, found none: ILSVRC2012 ids are not class "
                "indices, so name the file that has the wnid of id 1 on line 1, and so on, in data.synsets");
  data.synsets = folder_ / "synsets";
  write("synsets", "n3 x\nn1 y\nn2 z\n");
  EXPECT_EQ(open_dataset(data, Split::test, kFormat).labels, (std::vector<int32_t>{1, 2, 0}));
  write("list", "3\n1\n4\n");
  EXPECT_EQ(refusal(data), list + ":3: expected an id from 1 to 3, found '4'");
  write("list", "3\n1\n");
  EXPECT_EQ(refusal(data), (folder_ / "images") + ": expected 2 images, found 3: " + list + " has a line for each");
  write("synsets", "n3\nn3\n");
  EXPECT_EQ(refusal(data), (folder_ / "synsets") + ":2: expected every class once, found n3 again");
  write("synsets", "n3\n\nn1\n");
  EXPECT_EQ(refusal(data), (folder_ / "synsets") + ":2: expected a class name, found an empty line");
}

class BadImage : public Folder {
 protected:
  void SetUp() override {
    for (int i = 0; i < 6; ++i) add("train/" + std::to_string(i % 2) + "/" + std::to_string(i) + ".jpg");
    add("val/0/x.jpg");
    write("train/1/3.jpg", read_text(folder_ / "train/1/3.jpg").substr(0, 700));
    source_ = source("imagefolder");
    line_ = (folder_ / "train/1/3.jpg") + ": expected a whole JPEG, found a truncated one";
  }
  DataSource source_;
  std::string line_;
};

TEST_F(BadImage, EndsTheRunByDefault) {
  const Dataset data = open_dataset(source_, Split::train, kFormat);
  EXPECT_EQ(message_of([&] { gather(data, 0, 6); }), line_);
  LoaderOptions options;
  options.batch_size = 6;
  options.augmentation.random_resized_crop = 0.5;
  Loader loader(data, options);
  EXPECT_EQ(message_of([&] { loader.next(); }), line_);
}

TEST_F(BadImage, IsSkippedAndReportedOnce) {
  source_.on_bad_image = OnBadImage::skip;
  const Dataset data = open_dataset(source_, Split::train, kFormat);
  const Batch batch = gather(data, 0, 6);
  EXPECT_EQ(batch.size, 5);
  EXPECT_EQ(batch.indices, (std::vector<int64_t>{0, 1, 2, 3, 5}));  // image 4 is train/1/3.jpg
  EXPECT_EQ(batch.labels, (std::vector<int64_t>{0, 0, 0, 1, 1}));
  EXPECT_EQ(batch.pixels.size(), 5U * 768);
  std::vector<Batch> expected;
  for (const int64_t threads : {1, 3}) {
    LoaderOptions options;
    options.batch_size = 6;
    options.threads = threads;
    options.augmentation.random_resized_crop = 0.5;
    Loader loader(data, options);
    for (size_t i = 0; i < 4; ++i) {
      Batch next = loader.next();
      EXPECT_EQ(next.size, 6);
      EXPECT_EQ(std::count(next.indices.begin(), next.indices.end(), 4), 0);
      if (threads == 1)
        expected.push_back(next);
      else
        EXPECT_EQ(next.pixels, expected[i].pixels);
    }
  }
  EXPECT_EQ(reported_, std::vector<std::string>{"skipped: " + line_});
}

TEST_F(BadImage, EveryImageBadIsAnError) {
  source_.on_bad_image = OnBadImage::skip;
  const Dataset data = open_dataset(source_, Split::train, kFormat);
  LoaderOptions options;
  options.batch_size = 1;
  options.indices = {4};
  Loader loader(data, options);
  EXPECT_EQ(message_of([&] { loader.next(); }),
            "imagefolder: expected at least one readable training image, found none");
}

TEST(LargeFolder, TenThousandFilesOpenInUnderASecond) {
  const TemporaryFolder folder;
  constexpr int kFiles = 10000;
  const fs::path first = fs::path(folder.text()) / "first.jpg";
  fs::copy_file(source_folder() + "/tests/golden/images/420.jpg", first);
  for (int i = 0; i < kFiles; ++i) {
    const fs::path name =
        fs::path(folder.text()) / "train" / fmt::format("n{:08}", i % 100) / fmt::format("{}.JPEG", i);
    if (i < 100) fs::create_directories(name.parent_path());
    fs::create_hard_link(first, name);
  }
  const auto start = std::chrono::steady_clock::now();
  const Dataset data = open_dataset({.name = "imagefolder", .root = folder.text()}, Split::train, kFormat);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  EXPECT_EQ(data.size(), kFiles);
  EXPECT_EQ(data.classes, 100);
  EXPECT_LT(seconds, 1.0);
  RecordProperty("seconds", std::to_string(seconds));
}

}  // namespace
}  // namespace carat
