// SPDX-License-Identifier: Apache-2.0
// A stream of bits, least significant first in every byte.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace carat {

class BitWriter {
 public:
  void put(uint64_t value, int64_t bits) {
    for (int64_t i = 0; i < bits; ++i, ++position_) {
      if (position_ % 8 == 0) bytes_.push_back('\0');
      if ((value >> i & 1U) != 0) bytes_.back() = static_cast<char>(bytes_.back() | (1 << (position_ % 8)));
    }
  }
  void align() { position_ = static_cast<int64_t>(bytes_.size()) * 8; }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
  int64_t position_ = 0;
};

class BitReader {
 public:
  explicit BitReader(std::string_view bytes) : bytes_(bytes) {}
  uint64_t get(int64_t bits) {
    uint64_t value = 0;
    for (int64_t i = 0; i < bits; ++i, ++position_) {
      const auto byte = static_cast<uint8_t>(bytes_[static_cast<size_t>(position_ / 8)]);
      value |= static_cast<uint64_t>(byte >> (position_ % 8) & 1U) << i;
    }
    return value;
  }
  void align() { position_ = (position_ + 7) / 8 * 8; }

 private:
  std::string_view bytes_;
  int64_t position_ = 0;
};

}  // namespace carat
