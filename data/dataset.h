// SPDX-License-Identifier: Apache-2.0
// Labelled images in memory. Every file is checked when it is opened: size, magic, counts, label range.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace carat {

enum class Split { train, test };

struct Dataset {
  std::string name;
  int64_t channels = 0;
  int64_t height = 0;
  int64_t width = 0;
  int64_t classes = 0;
  std::vector<uint8_t> pixels;  // {N, C, H, W}
  std::vector<int32_t> labels;
  std::string identity;  // hash of all of the above

  int64_t size() const { return static_cast<int64_t>(labels.size()); }
  int64_t image_bytes() const { return channels * height * width; }
  const uint8_t* image(int64_t index) const { return pixels.data() + index * image_bytes(); }
};

struct DataSource {
  std::string name;
  std::string root;  // empty: the usual place
};

struct DatasetInfo {
  std::string name;
  std::string help;
  int64_t channels, height, width, classes, train_size, test_size;
  Dataset (*open)(const DatasetInfo& info, const std::string& root, Split split);
};

const std::vector<DatasetInfo>& dataset_table();
// Throws Error with the nearest name.
const DatasetInfo& dataset_named(const std::string& name);

// Throws Error "path: expected ..., got ..." for a missing, truncated or damaged file.
Dataset open_dataset(const DataSource& source, Split split);

// The openers of dataset_table().
Dataset open_fashion_mnist(const DatasetInfo& info, const std::string& root, Split split);
Dataset open_cifar100(const DatasetInfo& info, const std::string& root, Split split);
Dataset make_synthetic(const DatasetInfo& info, const std::string& root, Split split);

}  // namespace carat
