// SPDX-License-Identifier: Apache-2.0
// 128-bit XXH3 over a sequence of typed fields: keys of the artifact store, checksums of files, random streams.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace carat {

class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;

  // Appends raw bytes without a length.
  Hasher& bytes(const void* data, size_t size);
  // Appends the length and the characters, so that ("ab","c") and ("a","bc") differ.
  Hasher& text(std::string_view value);
  Hasher& number(int64_t value);

  // 32 lower-case hexadecimal digits.
  std::string hex() const;
  uint64_t low64() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

uint64_t hash64(const void* data, size_t size);

}  // namespace carat
