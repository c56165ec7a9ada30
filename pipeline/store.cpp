// SPDX-License-Identifier: Apache-2.0
#include "pipeline/store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/fail.h"
#include "base/file.h"
#include "base/hash.h"

namespace carat {
namespace {

constexpr size_t kChecksumDigits = 16;
constexpr const char* kCheckpoint = "checkpoint.bin";
constexpr const char* kRecords = "records.txt";
constexpr const char* kLock = "lock";

std::string checksum(std::string_view content) {
  return fmt::format("{:016x}", hash64(content.data(), content.size()));
}

}  // namespace

StoreWork::StoreWork(std::filesystem::path folder, std::filesystem::path result)
    : folder_(std::move(folder)), result_(std::move(result)) {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  require(!error, "{}: cannot create: {}", folder_.string(), error.message());
  lock_ = ::open((folder_ / kLock).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  require(lock_ >= 0, "{}: cannot create: {}", (folder_ / kLock).string(), std::strerror(errno));
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock_);
    fail("{}: another process is working on this stage; wait for it or end it", folder_.string());
  }
}

StoreWork::~StoreWork() {
  if (lock_ >= 0) ::close(lock_);
}

void StoreWork::write_file(const std::string& name, const std::string& content) {
  write_atomically(folder_ / name, content);
}

void StoreWork::save_checkpoint(const std::string& bytes) { write_file(kCheckpoint, checksum(bytes) + bytes); }

std::optional<std::string> StoreWork::load_checkpoint() const {
  if (!std::filesystem::exists(folder_ / kCheckpoint)) return std::nullopt;
  const std::string content = read_text(folder_ / kCheckpoint);
  if (content.size() < kChecksumDigits) return std::nullopt;
  std::string bytes = content.substr(kChecksumDigits);
  if (checksum(bytes) != content.substr(0, kChecksumDigits)) return std::nullopt;
  return bytes;
}

void StoreWork::append_record(const std::string& record) {
  const std::string line = checksum(record) + " " + record + "\n";
  const int fd = ::open((folder_ / kRecords).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  const bool written = fd >= 0 && ::write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  if (fd >= 0) ::close(fd);
  require(written, "{}: cannot write: {}", (folder_ / kRecords).string(), std::strerror(errno));
}

std::vector<std::string> StoreWork::records() {
  std::vector<std::string> records;
  if (!std::filesystem::exists(folder_ / kRecords)) return records;
  const std::string content = read_text(folder_ / kRecords);
  size_t position = 0;
  while (true) {
    const size_t end = content.find('\n', position);
    if (end == std::string::npos || end < position + kChecksumDigits + 1) break;
    const std::string record = content.substr(position + kChecksumDigits + 1, end - position - kChecksumDigits - 1);
    if (content.substr(position, kChecksumDigits) != checksum(record)) break;
    records.push_back(record);
    position = end + 1;
  }
  if (position != content.size()) std::filesystem::resize_file(folder_ / kRecords, position);
  return records;
}

std::filesystem::path StoreWork::finish() {
  for (const char* name : {kCheckpoint, kRecords, kLock}) std::filesystem::remove(folder_ / name);
  sync_folder(folder_);
  std::filesystem::rename(folder_, result_);
  sync_folder(result_.parent_path());
  return result_;
}

ArtifactStore::ArtifactStore(std::filesystem::path root) : root_(std::move(root)) {}

std::optional<std::filesystem::path> ArtifactStore::find(const std::string& key) const {
  if (!std::filesystem::is_directory(path_of(key))) return std::nullopt;
  return path_of(key);
}

std::vector<std::string> ArtifactStore::keys() const {
  std::vector<std::string> keys;
  if (!std::filesystem::is_directory(root_)) return keys;
  for (const auto& entry : std::filesystem::directory_iterator(root_))
    if (entry.is_directory() && entry.path().extension() != ".work") keys.push_back(entry.path().filename());
  std::sort(keys.begin(), keys.end());
  return keys;
}

void ArtifactStore::remove(const std::string& key) {
  std::filesystem::remove_all(path_of(key));
  std::filesystem::remove_all(path_of(key + ".work"));
}

std::unique_ptr<StoreWork> ArtifactStore::begin(const std::string& key) {
  return std::make_unique<StoreWork>(path_of(key + ".work"), path_of(key));
}

}  // namespace carat
