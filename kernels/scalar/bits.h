// SPDX-License-Identifier: Apache-2.0
// Codes of 1 to 8 bits between bytes (one code a byte) and a stream of bits, least significant first. Words are read as
// little endian machines do.
#pragma once

#include "kernels/scalar/portable.h"

namespace carat::scalar {

constexpr uint64_t kEveryByte = 0x0101010101010101ULL;

CARAT_SHARED uint64_t low_bits(int bits) { return bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1; }

// Eight bytes' low bits, side by side in the low 8 * bits bits. Pairs, then pairs of pairs are pushed together.
CARAT_SHARED uint64_t pack_eight(uint64_t bytes, int bits) {
  uint64_t x = bytes & kEveryByte * low_bits(bits);
  x = (x & 0x00FF00FF00FF00FFULL) | (x & 0xFF00FF00FF00FF00ULL) >> (8 - bits);
  x = (x & 0x0000FFFF0000FFFFULL) | (x & 0xFFFF0000FFFF0000ULL) >> (16 - 2 * bits);
  return (x & 0x00000000FFFFFFFFULL) | (x & 0xFFFFFFFF00000000ULL) >> (32 - 4 * bits);
}

// The inverse: eight codes, one a byte, upper bits zero.
CARAT_SHARED uint64_t unpack_eight(uint64_t packed, int bits) {
  const uint64_t fours = low_bits(4 * bits);
  const uint64_t twos = low_bits(2 * bits) * 0x0000000100000001ULL;
  const uint64_t ones = low_bits(bits) * 0x0001000100010001ULL;
  uint64_t x = (packed & fours) | (packed & fours << 4 * bits) << (32 - 4 * bits);
  x = (x & twos) | (x & twos << 2 * bits) << (16 - 2 * bits);
  return (x & ones) | (x & ones << bits) << (8 - bits);
}

// Two's complement codes of bits < 8 bits to bytes: flipping the sign bit s makes code + s, and taking s away never
// borrows from the next byte because bit 7 is lent first.
CARAT_SHARED uint64_t extend_eight(uint64_t codes, int bits) {
  if (bits == 8) return codes;
  const uint64_t sign = kEveryByte << (bits - 1);
  const uint64_t top = kEveryByte << 7;
  return (((codes ^ sign) | top) - sign) ^ top;
}

// Code number index of a stream; sign-extended when is_signed.
CARAT_SHARED int code_at(const uint8_t* stream, int64_t index, int bits, bool is_signed) {
  const int64_t first = index * bits;
  const int shift = static_cast<int>(first % 8);
  unsigned word = stream[first / 8];
  if (shift + bits > 8) word |= static_cast<unsigned>(stream[first / 8 + 1]) << 8;
  const int code = static_cast<int>(word >> shift & ((1U << bits) - 1));
  return is_signed && code >> (bits - 1) != 0 ? code - (1 << bits) : code;
}

// What one thread packs: 32 codes, 4 * bits bytes. Aligned to 16 (codes) and 4 (stream) bytes.
constexpr int kBlockCodes = 32;

// From `codes`, of which `left` are left, to `stream`.
template <int kBits>
CARAT_SHARED void pack_codes_of_block(const uint8_t* codes, int64_t left, uint8_t* stream) {
  uint64_t bytes[4] = {};
  if (left >= kBlockCodes) {
    memcpy(bytes, __builtin_assume_aligned(codes, 16), kBlockCodes);
  } else {
    CARAT_UNROLL
    for (int i = 0; i < kBlockCodes; ++i)
      if (i < left) bytes[i / 8] |= static_cast<uint64_t>(codes[i]) << i % 8 * 8;
  }
  uint64_t words[5] = {};
  CARAT_UNROLL
  for (int group = 0; group < 4; ++group) {
    const uint64_t packed = pack_eight(bytes[group], kBits);
    const int at = group * 8 * kBits;
    words[at / 64] |= packed << at % 64;
    if (at % 64 != 0) words[at / 64 + 1] |= packed >> (64 - at % 64);
  }
  if (left >= kBlockCodes) {
    memcpy(__builtin_assume_aligned(stream, 4), words, size_t{4} * kBits);
    return;
  }
  const int tail = static_cast<int>((left * kBits + 7) / 8);
  CARAT_UNROLL
  for (int i = 0; i < 4 * kBits; ++i)
    if (i < tail) stream[i] = static_cast<uint8_t>(words[i / 8] >> i % 8 * 8);
}

template <int kBits>
CARAT_SHARED void pack_block(const uint8_t* codes, int64_t n, int64_t block, uint8_t* stream) {
  pack_codes_of_block<kBits>(codes + block * kBlockCodes, n - block * kBlockCodes,
                             stream + block * kBlockCodes / 8 * kBits);
}

template <int kBits>
CARAT_SHARED void unpack_block(const uint8_t* stream, int64_t n, int64_t block, bool is_signed, uint8_t* codes) {
  codes += block * kBlockCodes;
  stream += block * kBlockCodes / 8 * kBits;
  const int64_t left = n - block * kBlockCodes;
  uint64_t words[5] = {};
  if (left >= kBlockCodes) {
    memcpy(words, __builtin_assume_aligned(stream, 4), size_t{4} * kBits);
  } else {
    const int tail = static_cast<int>((left * kBits + 7) / 8);
    CARAT_UNROLL
    for (int i = 0; i < 4 * kBits; ++i)
      if (i < tail) words[i / 8] |= static_cast<uint64_t>(stream[i]) << i % 8 * 8;
  }
  uint64_t bytes[4] = {};
  CARAT_UNROLL
  for (int group = 0; group < 4; ++group) {
    const int at = group * 8 * kBits;
    uint64_t packed = words[at / 64] >> at % 64;
    if (at % 64 != 0) packed |= words[at / 64 + 1] << (64 - at % 64);
    bytes[group] = unpack_eight(packed, kBits);
    if (is_signed) bytes[group] = extend_eight(bytes[group], kBits);
  }
  if (left >= kBlockCodes) {
    memcpy(__builtin_assume_aligned(codes, 16), bytes, kBlockCodes);
    return;
  }
  CARAT_UNROLL
  for (int i = 0; i < kBlockCodes; ++i)
    if (i < left) codes[i] = static_cast<uint8_t>(bytes[i / 8] >> i % 8 * 8);
}

}  // namespace carat::scalar
