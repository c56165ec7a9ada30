// SPDX-License-Identifier: Apache-2.0
#include "data/dataset.h"

#include <algorithm>

#include "base/fail.h"
#include "base/hash.h"
#include "base/text.h"

namespace carat {

const std::vector<DatasetInfo>& dataset_table() {
  static const std::vector<DatasetInfo> table = {
      {"fashion_mnist", "Fashion-MNIST, IDX files, gzip", 1, 28, 28, 10, 60000, 10000, open_fashion_mnist},
      {"mnist", "MNIST, IDX files, plain or gzip", 1, 28, 28, 10, 60000, 10000, open_idx},
      {"cifar10", "CIFAR-10, binary files", 3, 32, 32, 10, 50000, 10000, open_cifar10},
      {"cifar100", "CIFAR-100, binary files", 3, 32, 32, 100, 50000, 10000, open_cifar100},
      {"idx", "any pair of IDX files with the usual names", 1, 0, 0, 0, 0, 0, open_idx},
      {"imagefolder", "image files in a folder per class", 3, 0, 0, 0, 0, 0, open_image_folder, true},
      {"flat", "image files in one folder, with a label list", 3, 0, 0, 0, 0, 0, open_flat, true},
      {"synthetic", "made-up patterns for tests", 1, 12, 12, 10, 2000, 500, make_synthetic},
  };
  return table;
}

const DatasetInfo& dataset_named(const std::string& name) {
  std::vector<std::string> names;
  for (const DatasetInfo& info : dataset_table()) {
    if (info.name == name) return info;
    names.push_back(info.name);
  }
  const std::string nearest = nearest_name(name, names);
  fail("unknown data set '{}', expected one of: {}{}", name, join(names, ", "),
       nearest.empty() ? "" : "; did you mean '" + nearest + "'?");
}

ImageFormat format_for(int64_t channels, int64_t height, int64_t width) {
  return {channels, height, width, std::min(height, width) * 8 / 7, Interpolation::bilinear};
}

DatasetInfo describe(const DataSource& source) {
  DatasetInfo info = dataset_named(source.name);
  if (info.height > 0) return info;
  const Dataset training = info.open(info, source, Split::train, {});
  const Dataset test = info.open(info, source, Split::test, {});
  info.channels = training.channels;
  info.height = training.height;
  info.width = training.width;
  info.classes = training.classes;
  info.train_size = training.size();
  info.test_size = test.size();
  return info;
}

Dataset open_dataset(const DataSource& source, Split split, const ImageFormat& format) {
  const DatasetInfo& info = dataset_named(source.name);
  Dataset data = info.open(info, source, split, format);
  data.name = info.name;
  if (info.height > 0) {
    data.channels = info.channels;
    data.height = info.height;
    data.width = info.width;
    data.classes = info.classes;
  }
  require(format.height == 0 ||
              (format.channels == data.channels && format.height == data.height && format.width == data.width),
          "{}: expected a network with input {}x{}x{}, got {}x{}x{}", info.name, data.channels, data.height, data.width,
          format.channels, format.height, format.width);
  Hasher hasher;
  hasher.text(info.name).number(data.size());
  data.reader->identify(hasher);
  data.identity = hasher.bytes(data.labels.data(), data.labels.size() * sizeof(int32_t)).hex();
  data.classes += format.background_classes;
  for (int32_t& label : data.labels) label += static_cast<int32_t>(format.background_classes);
  return data;
}

}  // namespace carat
