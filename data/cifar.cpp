// SPDX-License-Identifier: Apache-2.0
// CIFAR-10: data_batch_1.bin to data_batch_5.bin and test_batch.bin. CIFAR-100: train.bin and test.bin, a coarse label
// before the fine one.
#include <cstdlib>
#include <filesystem>

#include "base/fail.h"
#include "base/file.h"
#include "data/cifar_file.h"
#include "data/dataset.h"

namespace carat {
namespace {

struct Layout {
  const char* title;
  const char* folder;  // as unpacked from the archive
  std::vector<std::string> training;
  std::string test;
  std::vector<int64_t> limits;
};

Dataset open_cifar(const DatasetInfo& info, const DataSource& source, Split split, const Layout& layout) {
  const std::vector<std::string> files =
      split == Split::train ? layout.training : std::vector<std::string>{layout.test};
  const char* data_root = std::getenv("CARAT_DATA");
  require(!source.root.empty() || data_root != nullptr,
          "{}: expected the folder of {} and {} in data.root, or CARAT_DATA with {}/ in it; both are unset", info.name,
          layout.training.front(), layout.test, layout.folder);
  std::filesystem::path folder = source.root.empty() ? data_root : source.root;
  if (std::filesystem::exists(folder / layout.folder)) folder /= layout.folder;
  const int64_t count = split == Split::train ? info.train_size : info.test_size;
  CifarFile all;
  all.pixels.reserve(static_cast<size_t>(count * info.channels * info.height * info.width));
  for (const std::string& file : files) {
    const std::string path = (folder / file).string();
    require(std::filesystem::exists(path), "{}: expected {} here, found no such file", path, layout.title);
    parse_cifar(read_bytes(path), path, count / static_cast<int64_t>(files.size()), layout.limits, all);
  }
  Dataset data;
  data.labels = std::move(all.labels);
  data.reader = reader_in_memory(std::move(all.pixels), info.channels, info.height, info.width);
  return data;
}

}  // namespace

Dataset open_cifar10(const DatasetInfo& info, const DataSource& source, Split split, const ImageFormat&) {
  Layout layout{"CIFAR-10", "cifar-10-batches-bin", {}, "test_batch.bin", {info.classes}};
  for (int i = 1; i <= 5; ++i) layout.training.push_back(fmt::format("data_batch_{}.bin", i));
  return open_cifar(info, source, split, layout);
}

Dataset open_cifar100(const DatasetInfo& info, const DataSource& source, Split split, const ImageFormat&) {
  constexpr int64_t kCoarseClasses = 20;
  return open_cifar(info, source, split,
                    {"CIFAR-100", "cifar-100-binary", {"train.bin"}, "test.bin", {kCoarseClasses, info.classes}});
}

}  // namespace carat
