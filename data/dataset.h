// SPDX-License-Identifier: Apache-2.0
// Labelled images. Every file's frame is checked when a set is opened (size, magic, counts, label range); pixels are in
// memory, or in image files that are read one by one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/preprocessing.h"
#include "data/image_reader.h"

namespace carat {

enum class Split { train, test };
enum class OnBadImage { error, skip };

// What a network wants of image files: its input's shape, and how an image gets there (see Preprocessing). Height 0:
// the data set's own.
struct ImageFormat {
  int64_t channels = 0;
  int64_t height = 0;
  int64_t width = 0;
  int64_t resize = 0;
  Interpolation interpolation = Interpolation::bilinear;
  int64_t background_classes = 0;  // every label is so much higher, and there are so many classes more
};

// The format of a network that says nothing of its images' way into it: short side 8/7 of the input's (256 for 224),
// bilinear.
ImageFormat format_for(int64_t channels, int64_t height, int64_t width);

struct Dataset {
  std::string name;
  int64_t channels = 0;
  int64_t height = 0;
  int64_t width = 0;
  int64_t classes = 0;
  std::vector<int32_t> labels;
  std::shared_ptr<const ImageReader> reader;
  std::string identity;  // hash of all of the above; of image files only names and sizes, not contents

  int64_t size() const { return static_cast<int64_t>(labels.size()); }
  int64_t image_bytes() const { return channels * height * width; }
  // Evaluation pixels of one image, see ImageReader::read.
  bool read(int64_t index, uint8_t* to) const { return reader->read(index, to); }
};

struct DataSource {
  std::string name;
  std::string root;  // empty: the usual place
  // Of image files, see data/image_folder.cpp and data/image_list.h; empty: none.
  std::string labels;
  std::string synsets;
  int64_t size = 224;      // height and width of a network's input that nothing else decides
  int64_t classes = 1000;  // of a flat folder without synsets
  OnBadImage on_bad_image = OnBadImage::error;
  // Gets one line per image that is skipped. May be called from any thread; empty: stderr.
  std::function<void(const std::string&)> report;
};

// A row of the table of data sets. Height 0: image files, whose shape and counts depend on the source.
struct DatasetInfo {
  std::string name;
  std::string help;
  int64_t channels, height, width, classes, train_size, test_size;
  Dataset (*open)(const DatasetInfo& info, const DataSource& source, Split split, const ImageFormat& format);
  bool has_files = false;  // images are files on disk
};

const std::vector<DatasetInfo>& dataset_table();
// Throws Error with the nearest name.
const DatasetInfo& dataset_named(const std::string& name);

// The source's row, with shape and counts of image files filled in: looks at folders and lists, at no image. Throws
// Error for files that are not as expected.
DatasetInfo describe(const DataSource& source);

// Throws Error "path: expected ..., got ..." for a missing, truncated or damaged file, and where the format's shape is
// not that of a data set with a shape of its own.
Dataset open_dataset(const DataSource& source, Split split, const ImageFormat& format = {});

// The openers of dataset_table(). They fill in labels and reader, and the shape where the table has none.
Dataset open_idx(const DatasetInfo& info, const DataSource& source, Split split, const ImageFormat& format);
Dataset open_fashion_mnist(const DatasetInfo& info, const DataSource& source, Split split, const ImageFormat& format);
Dataset open_cifar100(const DatasetInfo& info, const DataSource& source, Split split, const ImageFormat& format);
Dataset open_cifar10(const DatasetInfo& info, const DataSource& source, Split split, const ImageFormat& format);
Dataset open_image_folder(const DatasetInfo& info, const DataSource& source, Split split, const ImageFormat& format);
Dataset open_flat(const DatasetInfo& info, const DataSource& source, Split split, const ImageFormat& format);
Dataset make_synthetic(const DatasetInfo& info, const DataSource& source, Split split, const ImageFormat& format);

}  // namespace carat
