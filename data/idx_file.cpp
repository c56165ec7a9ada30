// SPDX-License-Identifier: Apache-2.0
#include "data/idx_file.h"

#include <zlib.h>

#include <algorithm>

#include "base/fail.h"

namespace carat {
namespace {

using Bytes = std::span<const uint8_t>;

// Deflate gives at most 1,032 bytes per byte.
constexpr size_t kMostRatio = 1032;

bool is_plain(Bytes file) { return file.size() >= 4 && file[0] == 0 && file[1] == 0 && file[2] == 8; }

// The first bytes of the content, at most `limit`.
std::vector<uint8_t> first_bytes(Bytes file, const std::string& where, size_t limit, int& status) {
  if (is_plain(file)) {
    status = Z_STREAM_END;
    const Bytes first = file.subspan(0, std::min(limit, file.size()));
    return {first.begin(), first.end()};
  }
  require(file.size() >= 2 && file[0] == 0x1F && file[1] == 0x8B, "{}: expected a gzip file, got {}", where,
          file.empty() ? "an empty file" : "other content");
  std::vector<uint8_t> plain(std::min(limit, file.size() * kMostRatio));
  z_stream stream{};
  constexpr int kGzipWindow = 15 + 16;
  require(inflateInit2(&stream, kGzipWindow) == Z_OK, "{}: zlib cannot start", where);
  stream.next_in = const_cast<Bytef*>(file.data());
  stream.avail_in = static_cast<uInt>(file.size());
  stream.next_out = plain.data();
  stream.avail_out = static_cast<uInt>(plain.size());
  status = inflate(&stream, Z_FINISH);
  plain.resize(plain.size() - stream.avail_out);
  inflateEnd(&stream);
  return plain;
}

uint32_t big_endian(Bytes bytes, size_t at) {
  return (uint32_t{bytes[at]} << 24) | (uint32_t{bytes[at + 1]} << 16) | (uint32_t{bytes[at + 2]} << 8) | bytes[at + 3];
}

void check_magic(Bytes start, const std::string& where, size_t extents) {
  const uint32_t magic = 0x800 + static_cast<uint32_t>(extents);
  require(start.size() >= 4 + 4 * extents, "{}: expected an IDX file, got {} bytes inside", where, start.size());
  require(big_endian(start, 0) == magic, "{}: expected IDX magic 0x{:08x}, got 0x{:08x}", where, magic,
          big_endian(start, 0));
}

// What is said in the header where anything will do.
std::vector<int64_t> filled_in(Bytes file, const std::string& where, std::vector<int64_t> extents) {
  int status = Z_OK;
  const std::vector<uint8_t> start = first_bytes(file, where, 4 + 4 * extents.size(), status);
  check_magic(start, where, extents.size());
  for (size_t i = 0; i < extents.size(); ++i)
    if (extents[i] < 0) extents[i] = big_endian(start, 4 + 4 * i);
  return extents;
}

}  // namespace

IdxFile parse_idx(Bytes file, const std::string& where, const std::vector<int64_t>& expected) {
  constexpr int64_t kMostBytes = int64_t{1} << 32;
  require(file.size() < (size_t{1} << 32), "{}: expected a file of less than 4 GiB, got {} bytes", where, file.size());
  const bool any = std::find(expected.begin(), expected.end(), -1) != expected.end();
  IdxFile result{any ? filled_in(file, where, expected) : expected, {}};
  const size_t header = 4 + 4 * expected.size();
  int64_t payload = 1;
  for (const int64_t extent : result.extents) {
    require(extent == 0 || payload <= kMostBytes / extent, "{}: expected less than 4 GiB of values, got more", where);
    payload *= extent;
  }
  const size_t size = header + static_cast<size_t>(payload);
  int status = Z_OK;
  result.values = first_bytes(file, where, size + 1, status);
  require(result.values.size() <= size, "{}: expected {} bytes inside, got more", where, size);
  require(status == Z_STREAM_END, "{}: expected a whole gzip file, got a truncated or damaged one", where);
  check_magic(result.values, where, expected.size());
  for (size_t i = 0; i < expected.size(); ++i)
    require(big_endian(result.values, 4 + 4 * i) == static_cast<uint32_t>(result.extents[i]),
            "{}: expected extent {} to be {}, got {}", where, i, result.extents[i],
            big_endian(result.values, 4 + 4 * i));
  require(result.values.size() == size, "{}: expected {} bytes inside, got {}", where, size, result.values.size());
  result.values.erase(result.values.begin(), result.values.begin() + static_cast<std::ptrdiff_t>(header));
  return result;
}

}  // namespace carat
