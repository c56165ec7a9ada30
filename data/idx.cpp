// SPDX-License-Identifier: Apache-2.0
// Pairs of IDX files under their four usual names: MNIST, Fashion-MNIST and whatever is stored like them.
// Source: https://github.com/zalandoresearch/fashion-mnist.
#include <algorithm>
#include <filesystem>

#include "base/fail.h"
#include "base/file.h"
#include "data/dataset.h"
#include "data/idx_file.h"

namespace carat {
namespace {

constexpr const char* kUsualRoot = "/usr/share/datasets/fashion-mnist";

std::string prefix_of(Split split) { return split == Split::train ? "train" : "t10k"; }

IdxFile read_idx(const std::string& path, const std::vector<int64_t>& expected) {
  return parse_idx(read_bytes(path), path, expected);
}

// Plain or in gzip, "train-images-idx3-ubyte" or "train-images.idx3-ubyte".
std::string find_file(const std::string& root, const std::string& name, const std::string& kind) {
  const std::filesystem::path folder = root;
  for (const char* separator : {"-", "."})
    for (const char* end : {"", ".gz"}) {
      const std::string path = (folder / (name + separator + kind + end)).string();
      if (std::filesystem::exists(path)) return path;
    }
  fail("{}: expected an IDX file {}-{} here, plain or .gz, found none", root, name, kind);
}

// Images and labels of a set with this many classes; 0: as many as the labels need.
Dataset read_pair(const DatasetInfo& info, const std::string& images, const std::string& labels, int64_t count) {
  const bool is_known = info.height > 0;
  IdxFile pixels = read_idx(images, {count, is_known ? info.height : -1, is_known ? info.width : -1});
  const IdxFile raw = read_idx(labels, {pixels.extents[0]});
  Dataset data;
  data.channels = 1;
  data.height = pixels.extents[1];
  data.width = pixels.extents[2];
  require(data.height > 0 && data.width > 0 && !raw.values.empty(), "{}: expected images, got {} of {}x{}", images,
          raw.values.size(), data.height, data.width);
  data.classes = is_known ? info.classes : *std::max_element(raw.values.begin(), raw.values.end()) + 1;
  for (size_t i = 0; i < raw.values.size(); ++i)
    require(raw.values[i] < data.classes, "{}: label {}: expected 0 to {}, got {}", labels, i, data.classes - 1,
            raw.values[i]);
  data.labels.assign(raw.values.begin(), raw.values.end());
  data.reader = reader_in_memory(std::move(pixels.values), 1, data.height, data.width);
  return data;
}

}  // namespace

Dataset open_idx(const DatasetInfo& info, const DataSource& source, Split split, const ImageFormat&) {
  require(!source.root.empty(), "{}: expected the folder of the IDX files in data.root, found none", info.name);
  const std::string prefix = prefix_of(split);
  const int64_t count = info.height == 0 ? -1 : split == Split::train ? info.train_size : info.test_size;
  Dataset data = read_pair(info, find_file(source.root, prefix + "-images", "idx3-ubyte"),
                           find_file(source.root, prefix + "-labels", "idx1-ubyte"), count);
  if (info.height > 0 || split == Split::train) return data;
  const std::string labels = find_file(source.root, "train-labels", "idx1-ubyte");
  const IdxFile training = read_idx(labels, {-1});
  const int64_t classes =
      training.values.empty() ? 0 : *std::max_element(training.values.begin(), training.values.end()) + 1;
  require(data.classes <= classes, "{}: expected labels below {} as in {}, got {}", source.root, classes, labels,
          data.classes - 1);
  data.classes = classes;
  return data;
}

Dataset open_fashion_mnist(const DatasetInfo& info, const DataSource& source, Split split, const ImageFormat&) {
  const std::filesystem::path folder = source.root.empty() ? kUsualRoot : source.root;
  const std::string images = (folder / (prefix_of(split) + "-images-idx3-ubyte.gz")).string();
  const std::string labels = (folder / (prefix_of(split) + "-labels-idx1-ubyte.gz")).string();
  for (const std::string& path : {images, labels})
    require(std::filesystem::exists(path),
            "{}: expected Fashion-MNIST here, found no such file; install Debian's "
            "dataset-fashion-mnist or set data.root",
            path);
  return read_pair(info, images, labels, split == Split::train ? info.train_size : info.test_size);
}

}  // namespace carat
