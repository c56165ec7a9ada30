// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "kernels/pack_codes.h"
#include "kernels/scalar/bits.h"
#include "kernels/scalar/random.h"
#include "models/packed/bits.h"
#include "tests/support/files.h"

namespace carat {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr int64_t kLongest = 100;  // all tails of groups of 8 and blocks of 32, several times

Bytes packed(const Bytes& codes, int64_t n, int64_t bits) {
  Bytes stream(static_cast<size_t>(packed_bytes(n, bits)) + 1, 0xA5);  // a guard byte
  pack_codes(codes.data(), n, bits, stream.data());
  EXPECT_EQ(stream.back(), 0xA5);
  stream.pop_back();
  return stream;
}

Bytes unpacked(const Bytes& stream, int64_t n, const PackedWidth& width) {
  Bytes codes(static_cast<size_t>(n) + 1, 0xA5);
  unpack_codes(stream.data(), n, width, codes.data());
  EXPECT_EQ(codes.back(), 0xA5);
  codes.pop_back();
  return codes;
}

Bytes written_bit_by_bit(const Bytes& codes, int64_t n, int64_t bits) {
  BitWriter writer;
  for (int64_t i = 0; i < n; ++i) writer.put(codes[static_cast<size_t>(i)], bits);
  return {writer.bytes().begin(), writer.bytes().end()};
}

uint8_t expected(uint8_t code, const PackedWidth& width) {
  const int mask = (1 << width.bits) - 1;
  const int low = code & mask;
  return static_cast<uint8_t>(width.is_signed && low > mask / 2 ? low - mask - 1 : low);
}

TEST(PackCodes, EveryWidthAndLengthIsTheBitWritersStream) {
  for (int64_t bits = 1; bits <= 8; ++bits)
    for (int64_t n = 0; n <= kLongest; ++n) {
      Bytes codes;
      for (int64_t i = 0; i < n; ++i)
        codes.push_back(static_cast<uint8_t>(scalar::random_bits(1, static_cast<uint64_t>(n * kLongest + i))));
      const Bytes stream = packed(codes, n, bits);
      ASSERT_EQ(stream, written_bit_by_bit(codes, n, bits)) << bits << " bits, " << n;
      for (const bool is_signed : {false, true}) {
        const PackedWidth width = {bits, is_signed};
        Bytes wanted = codes;
        for (uint8_t& code : wanted) code = expected(code, width);
        ASSERT_EQ(unpacked(stream, n, width), wanted) << bits << " bits, " << n;
      }
    }
}

TEST(PackCodes, EveryCodeAtEveryPlace) {
  for (int64_t bits = 1; bits <= 8; ++bits)
    for (int64_t place = 0; place < 40; ++place)
      for (int code = 0; code < 256; ++code) {
        Bytes codes(40, 0);
        codes[static_cast<size_t>(place)] = static_cast<uint8_t>(code);
        const Bytes stream = packed(codes, 40, bits);
        ASSERT_EQ(stream, written_bit_by_bit(codes, 40, bits));
        for (const bool is_signed : {false, true}) {
          Bytes wanted(40, 0);
          wanted[static_cast<size_t>(place)] = expected(static_cast<uint8_t>(code), {bits, is_signed});
          ASSERT_EQ(unpacked(stream, 40, {bits, is_signed}), wanted);
        }
      }
}

template <int kBits>
void blocks_equal_the_specification() {
  for (int64_t n = 1; n <= 3 * scalar::kBlockCodes + 1; ++n) {
    alignas(16) uint8_t codes[4 * scalar::kBlockCodes];
    alignas(16) uint8_t stream[4 * scalar::kBlockCodes];
    alignas(16) uint8_t back[4 * scalar::kBlockCodes];
    for (int64_t i = 0; i < n; ++i)
      codes[i] = static_cast<uint8_t>(scalar::random_bits(2, static_cast<uint64_t>(n * 997 + i)));
    for (int64_t block = 0; block * scalar::kBlockCodes < n; ++block)
      scalar::pack_block<kBits>(codes, n, block, stream);
    const Bytes all(codes, codes + n);
    const Bytes wanted = packed(all, n, kBits);
    ASSERT_EQ(Bytes(stream, stream + packed_bytes(n, kBits)), wanted) << kBits << " bits, " << n;
    for (const bool is_signed : {false, true}) {
      for (int64_t block = 0; block * scalar::kBlockCodes < n; ++block)
        scalar::unpack_block<kBits>(stream, n, block, is_signed, back);
      ASSERT_EQ(Bytes(back, back + n), unpacked(wanted, n, {kBits, is_signed}));
      for (int64_t i = 0; i < n; ++i)
        ASSERT_EQ(static_cast<uint8_t>(scalar::code_at(stream, i, kBits, is_signed)), back[i]);
    }
  }
}

TEST(PackCodes, BlocksOfCudaThreadsEqualTheSpecification) {
  blocks_equal_the_specification<1>();
  blocks_equal_the_specification<2>();
  blocks_equal_the_specification<3>();
  blocks_equal_the_specification<4>();
  blocks_equal_the_specification<5>();
  blocks_equal_the_specification<6>();
  blocks_equal_the_specification<7>();
  blocks_equal_the_specification<8>();
}

TEST(PackCodes, OtherWidthsAreRefused) {
  uint8_t byte = 0;
  EXPECT_EQ(message_of([&] { pack_codes(&byte, 1, 9, &byte); }), "pack_codes: expected 1 to 8 bits, got 9");
  EXPECT_EQ(message_of([&] {
              unpack_codes(&byte, 1, {0, false}, &byte);
            }),
            "unpack_codes: expected 1 to 8 bits, got 0");
}

}  // namespace
}  // namespace carat
