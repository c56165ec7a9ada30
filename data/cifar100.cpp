// SPDX-License-Identifier: Apache-2.0
// CIFAR-100 binary files: records of coarse label, fine label, 3072 pixels (R, G, B planes).
// Source: https://www.cs.toronto.edu/~kriz/cifar.html.
#include <cstdlib>
#include <filesystem>

#include "base/fail.h"
#include "base/file.h"
#include "data/dataset.h"

namespace carat {

Dataset open_cifar100(const DatasetInfo& info, const DataSource& source, Split split, const ImageFormat&) {
  const std::string file = split == Split::train ? "train.bin" : "test.bin";
  const char* data_root = std::getenv("CARAT_DATA");
  require(!source.root.empty() || data_root != nullptr,
          "cifar100: expected the folder of train.bin and test.bin in data.root, or CARAT_DATA with "
          "cifar-100-binary/ in it; both are unset");
  std::filesystem::path folder = source.root.empty() ? data_root : source.root;
  if (std::filesystem::exists(folder / "cifar-100-binary")) folder /= "cifar-100-binary";
  const std::string path = (folder / file).string();
  require(std::filesystem::exists(path), "{}: expected CIFAR-100 here, found no such file", path);
  const std::vector<uint8_t> bytes = read_bytes(path);
  const int64_t count = split == Split::train ? info.train_size : info.test_size;
  const auto image = static_cast<size_t>(info.channels * info.height * info.width);
  const size_t record = image + 2;
  require(bytes.size() == record * static_cast<size_t>(count), "{}: expected {} records of {} bytes = {} bytes, got {}",
          path, count, record, record * static_cast<size_t>(count), bytes.size());
  Dataset data;
  std::vector<uint8_t> all;
  all.reserve(image * static_cast<size_t>(count));
  for (size_t at = 0; at < bytes.size(); at += record) {
    constexpr int kCoarseClasses = 20;
    require(bytes[at] < kCoarseClasses && bytes[at + 1] < info.classes,
            "{}: record {}: expected labels below {} and {}, got {} and {}", path, at / record, kCoarseClasses,
            info.classes, bytes[at], bytes[at + 1]);
    data.labels.push_back(bytes[at + 1]);
    const auto pixels = bytes.begin() + static_cast<std::ptrdiff_t>(at) + 2;
    all.insert(all.end(), pixels, pixels + static_cast<std::ptrdiff_t>(image));
  }
  data.reader = reader_in_memory(std::move(all), info.channels, info.height, info.width);
  return data;
}

}  // namespace carat
