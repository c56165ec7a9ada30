// SPDX-License-Identifier: Apache-2.0
// Stage outputs found again by the hash of everything that could change them. A result is a folder that appears by one
// rename; work in progress stands beside it with its checkpoint and records and survives a kill.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace carat {

// Work on one result. Holds a lock: a second process that wants the same work gets an Error.
class StoreWork {
 public:
  StoreWork(std::filesystem::path folder, std::filesystem::path result);
  ~StoreWork();
  StoreWork(const StoreWork&) = delete;
  StoreWork& operator=(const StoreWork&) = delete;

  void write_file(const std::string& name, const std::string& content);
  void save_checkpoint(const std::string& bytes);
  // Nothing when there is none, or when its checksum is wrong.
  std::optional<std::string> load_checkpoint() const;
  // One line each, with a checksum; reading stops at the first damaged one and cuts the file there.
  void append_record(const std::string& record);
  std::vector<std::string> records();
  // Drops checkpoint and records and renames the folder to the result.
  std::filesystem::path finish();

 private:
  std::filesystem::path folder_;
  std::filesystem::path result_;
  int lock_ = -1;
};

class ArtifactStore {
 public:
  explicit ArtifactStore(std::filesystem::path root);

  // Folder of a finished result.
  std::optional<std::filesystem::path> find(const std::string& key) const;
  // Of all finished results.
  std::vector<std::string> keys() const;
  // Forgets result and unfinished work.
  void remove(const std::string& key);
  std::unique_ptr<StoreWork> begin(const std::string& key);
  std::filesystem::path path_of(const std::string& key) const { return root_ / key; }

 private:
  std::filesystem::path root_;
};

}  // namespace carat
