// SPDX-License-Identifier: Apache-2.0
// What the loop knows of a finished stage; stored with it as record.json.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace carat {

struct StageRecord {
  std::string stage;
  int64_t correct = 0;  // on the test set
  int64_t total = 0;
  double loss = 0.0;
  int64_t weights = 0;
  int64_t zeros = 0;
  int64_t storage_bits = 0;
  int64_t op_bits = 0;
  double seconds = 0.0;
  std::string model_hash;
  bool is_dense = false;
  std::string device;  // that it was made on; empty: not known

  double accuracy() const { return total == 0 ? 0.0 : static_cast<double>(correct) / static_cast<double>(total); }
};

std::string to_json(const StageRecord& record);
StageRecord read_record(const std::filesystem::path& file);

}  // namespace carat
