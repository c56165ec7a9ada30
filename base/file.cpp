// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/fail.h"

namespace carat {
namespace {

template <typename Container>
Container read_all(const std::filesystem::path& path) {
  std::error_code ignored;
  require(!std::filesystem::is_directory(path, ignored), "{}: expected a file, got a folder", path.string());
  std::ifstream in(path, std::ios::binary);
  require(in.good(), "{}: cannot open: {}", path.string(), std::strerror(errno));
  constexpr size_t kAtOnce = size_t{1} << 16;
  Container content;
  size_t size = 0;
  while (in.good()) {
    content.resize(std::max(size + kAtOnce, size * 2));
    in.read(reinterpret_cast<char*>(content.data()) + size, static_cast<std::streamsize>(content.size() - size));
    size += static_cast<size_t>(in.gcount());
  }
  content.resize(size);
  require(!in.bad(), "{}: cannot read: {}", path.string(), std::strerror(errno));
  return content;
}

}  // namespace

std::string read_text(const std::filesystem::path& path) { return read_all<std::string>(path); }

std::vector<uint8_t> read_bytes(const std::filesystem::path& path) { return read_all<std::vector<uint8_t>>(path); }

void sync_folder(const std::filesystem::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

void write_atomically(const std::filesystem::path& path, std::string_view content) {
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  std::filesystem::create_directories(folder);
  const std::string temporary = fmt::format("{}.tmp{}", path.string(), ::getpid());
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  require(fd >= 0, "{}: cannot create: {}", temporary, std::strerror(errno));
  size_t written = 0;
  while (written < content.size()) {
    const ssize_t n = ::write(fd, content.data() + written, content.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const std::string reason = std::strerror(errno);
      ::close(fd);
      ::unlink(temporary.c_str());
      fail("{}: cannot write: {}", path.string(), reason);
    }
    written += static_cast<size_t>(n);
  }
  const bool synced = ::fsync(fd) == 0;
  ::close(fd);
  require(synced && ::rename(temporary.c_str(), path.c_str()) == 0, "{}: cannot write: {}", path.string(),
          std::strerror(errno));
  sync_folder(folder);
}

}  // namespace carat
