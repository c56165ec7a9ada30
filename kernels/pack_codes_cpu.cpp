// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "base/fail.h"
#include "kernels/pack_codes.h"
#include "kernels/scalar/bits.h"

namespace carat {
namespace {

constexpr int64_t kWord = 8;

// Groups of eight codes whose packed words may be read and written as whole words: none reaches past the stream.
int64_t whole_words(int64_t groups, int64_t bits) { return std::max<int64_t>(0, (groups * bits - kWord) / bits); }

template <int kBits>
void pack_groups(const uint8_t* codes, int64_t n, uint8_t* stream) {
  const int64_t groups = n / kWord;
  const int64_t whole = whole_words(groups, kBits);
  uint64_t bytes = 0;
  for (int64_t g = 0; g < whole; ++g) {
    std::memcpy(&bytes, codes + g * kWord, kWord);
    bytes = scalar::pack_eight(bytes, kBits);
    std::memcpy(stream + g * kBits, &bytes, kWord);
  }
  for (int64_t g = whole; g * kWord < n; ++g) {
    const int64_t count = std::min(kWord, n - g * kWord);
    bytes = 0;
    std::memcpy(&bytes, codes + g * kWord, static_cast<size_t>(count));
    bytes = scalar::pack_eight(bytes, kBits);
    std::memcpy(stream + g * kBits, &bytes, static_cast<size_t>(packed_bytes(count, kBits)));
  }
}

template <int kBits, bool kSigned>
void unpack_groups(const uint8_t* stream, int64_t n, uint8_t* codes) {
  const auto spread = [](uint64_t packed) {
    const uint64_t bytes = scalar::unpack_eight(packed, kBits);
    return kSigned ? scalar::extend_eight(bytes, kBits) : bytes;
  };
  const int64_t groups = n / kWord;
  const int64_t whole = whole_words(groups, kBits);
  uint64_t packed = 0;
  for (int64_t g = 0; g < whole; ++g) {
    std::memcpy(&packed, stream + g * kBits, kWord);
    packed = spread(packed);
    std::memcpy(codes + g * kWord, &packed, kWord);
  }
  for (int64_t g = whole; g * kWord < n; ++g) {
    const int64_t count = std::min(kWord, n - g * kWord);
    packed = 0;
    std::memcpy(&packed, stream + g * kBits, static_cast<size_t>(packed_bytes(count, kBits)));
    packed = spread(packed);
    std::memcpy(codes + g * kWord, &packed, static_cast<size_t>(count));
  }
}

// Two codes a byte, in loops that become vector instructions.
void pack_nibbles(const uint8_t* codes, int64_t n, uint8_t* stream) {
  const int64_t pairs = n / 2;
  for (int64_t i = 0; i < pairs; ++i) stream[i] = static_cast<uint8_t>((codes[2 * i] & 15) | codes[2 * i + 1] << 4);
  if (n % 2 != 0) stream[pairs] = codes[n - 1] & 15;
}

template <bool kSigned>
void unpack_nibbles(const uint8_t* stream, int64_t n, uint8_t* codes) {
  const auto extended = [](int code) { return static_cast<uint8_t>(kSigned ? (code ^ 8) - 8 : code); };
  const int64_t pairs = n / 2;
  for (int64_t i = 0; i < pairs; ++i) {
    codes[2 * i] = extended(stream[i] & 15);
    codes[2 * i + 1] = extended(stream[i] >> 4);
  }
  if (n % 2 != 0) codes[n - 1] = extended(stream[pairs] & 15);
}

template <int kBits>
void unpack_width(const uint8_t* stream, int64_t n, bool is_signed, uint8_t* codes) {
  (is_signed ? unpack_groups<kBits, true> : unpack_groups<kBits, false>)(stream, n, codes);
}

}  // namespace

void pack_codes(const uint8_t* codes, int64_t n, int64_t bits, uint8_t* stream) {
  if (n == 0) return;
  switch (bits) {
    case 1:
      return pack_groups<1>(codes, n, stream);
    case 2:
      return pack_groups<2>(codes, n, stream);
    case 3:
      return pack_groups<3>(codes, n, stream);
    case 4:
      return pack_nibbles(codes, n, stream);
    case 5:
      return pack_groups<5>(codes, n, stream);
    case 6:
      return pack_groups<6>(codes, n, stream);
    case 7:
      return pack_groups<7>(codes, n, stream);
    case 8:
      std::memcpy(stream, codes, static_cast<size_t>(n));
      return;
    default:
      fail("pack_codes: expected 1 to 8 bits, got {}", bits);
  }
}

void unpack_codes(const uint8_t* stream, int64_t n, const PackedWidth& width, uint8_t* codes) {
  if (n == 0) return;
  switch (width.bits) {
    case 1:
      return unpack_width<1>(stream, n, width.is_signed, codes);
    case 2:
      return unpack_width<2>(stream, n, width.is_signed, codes);
    case 3:
      return unpack_width<3>(stream, n, width.is_signed, codes);
    case 4:
      return (width.is_signed ? unpack_nibbles<true> : unpack_nibbles<false>)(stream, n, codes);
    case 5:
      return unpack_width<5>(stream, n, width.is_signed, codes);
    case 6:
      return unpack_width<6>(stream, n, width.is_signed, codes);
    case 7:
      return unpack_width<7>(stream, n, width.is_signed, codes);
    case 8:
      std::memcpy(codes, stream, static_cast<size_t>(n));
      return;
    default:
      fail("unpack_codes: expected 1 to 8 bits, got {}", width.bits);
  }
}

}  // namespace carat
