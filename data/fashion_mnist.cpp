// SPDX-License-Identifier: Apache-2.0
// IDX files (LeCun et al.), gzip. Source: https://github.com/zalandoresearch/fashion-mnist.
#include <zlib.h>

#include <filesystem>

#include "base/fail.h"
#include "base/file.h"
#include "data/dataset.h"

namespace carat {
namespace {

constexpr const char* kUsualRoot = "/usr/share/datasets/fashion-mnist";

// Never inflates beyond limit + 1 bytes.
std::vector<uint8_t> gunzip(const std::string& path, size_t limit) {
  const std::vector<uint8_t> packed = read_bytes(path);
  require(packed.size() >= 2 && packed[0] == 0x1F && packed[1] == 0x8B, "{}: expected a gzip file, got {}", path,
          packed.empty() ? "an empty file" : "other content");
  std::vector<uint8_t> plain(limit + 1);
  z_stream stream{};
  constexpr int kGzipWindow = 15 + 16;
  require(inflateInit2(&stream, kGzipWindow) == Z_OK, "{}: zlib cannot start", path);
  stream.next_in = const_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = plain.data();
  stream.avail_out = static_cast<uInt>(plain.size());
  const int status = inflate(&stream, Z_FINISH);
  const size_t size = plain.size() - stream.avail_out;
  inflateEnd(&stream);
  require(size <= limit, "{}: expected {} bytes inside, got more", path, limit);
  require(status == Z_STREAM_END, "{}: expected a whole gzip file, got a truncated or damaged one", path);
  plain.resize(size);
  return plain;
}

uint32_t big_endian(const std::vector<uint8_t>& bytes, size_t at) {
  return (uint32_t{bytes[at]} << 24) | (uint32_t{bytes[at + 1]} << 16) | (uint32_t{bytes[at + 2]} << 8) | bytes[at + 3];
}

// Payload after the header of magic and extents.
std::vector<uint8_t> read_idx(const std::string& path, uint32_t magic, const std::vector<int64_t>& extents) {
  size_t expected = 4 + 4 * extents.size();
  size_t payload = 1;
  for (const int64_t extent : extents) payload *= static_cast<size_t>(extent);
  const size_t header = expected;
  expected += payload;
  std::vector<uint8_t> bytes = gunzip(path, expected);
  require(bytes.size() >= header, "{}: expected an IDX file, got {} bytes inside", path, bytes.size());
  require(big_endian(bytes, 0) == magic, "{}: expected IDX magic 0x{:08x}, got 0x{:08x}", path, magic,
          big_endian(bytes, 0));
  for (size_t i = 0; i < extents.size(); ++i)
    require(big_endian(bytes, 4 + 4 * i) == static_cast<uint32_t>(extents[i]),
            "{}: expected extent {} to be {}, got {}", path, i, extents[i], big_endian(bytes, 4 + 4 * i));
  require(bytes.size() == expected, "{}: expected {} bytes inside, got {}", path, expected, bytes.size());
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(header));
  return bytes;
}

}  // namespace

Dataset open_fashion_mnist(const DatasetInfo& info, const DataSource& source, Split split, const ImageFormat&) {
  const std::filesystem::path folder = source.root.empty() ? kUsualRoot : source.root;
  const std::string prefix = split == Split::train ? "train" : "t10k";
  const int64_t count = split == Split::train ? info.train_size : info.test_size;
  const std::string images = (folder / (prefix + "-images-idx3-ubyte.gz")).string();
  const std::string labels = (folder / (prefix + "-labels-idx1-ubyte.gz")).string();
  for (const std::string& path : {images, labels})
    require(std::filesystem::exists(path),
            "{}: expected Fashion-MNIST here, found no such file; install Debian's "
            "dataset-fashion-mnist or set data.root",
            path);
  Dataset data;
  data.reader =
      reader_in_memory(read_idx(images, 0x00000803, {count, info.height, info.width}), 1, info.height, info.width);
  const std::vector<uint8_t> raw = read_idx(labels, 0x00000801, {count});
  for (size_t i = 0; i < raw.size(); ++i)
    require(raw[i] < info.classes, "{}: label {}: expected 0 to {}, got {}", labels, i, info.classes - 1, raw[i]);
  data.labels.assign(raw.begin(), raw.end());
  return data;
}

}  // namespace carat
