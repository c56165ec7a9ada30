// SPDX-License-Identifier: Apache-2.0
// n codes, one a byte, to and from a stream of n * bits bits, 1 to 8 bits a code, least significant bit first: code i
// takes bits i * bits .. (i + 1) * bits - 1, and bit j of the stream is bit j % 8 of byte j / 8. The last byte is
// filled with zero bits. The order of models/packed/bits.h and docs/artifact_format.md.
#pragma once

#include <cstdint>

namespace carat {

// ceil(n * bits / 8).
constexpr int64_t packed_bytes(int64_t n, int64_t bits) { return (n * bits + 7) / 8; }

// Upper bits of the bytes are left out, so codes may be unsigned or two's complement. Throws Error for other widths.
void pack_codes(const uint8_t* codes, int64_t n, int64_t bits, uint8_t* stream);

struct PackedWidth {
  int64_t bits;
  bool is_signed;  // two's complement: extended to a byte
};

void unpack_codes(const uint8_t* stream, int64_t n, const PackedWidth& width, uint8_t* codes);

// Device pointers, codes aligned to 16 bytes and stream to 4 (an allocation's beginning is), on a CUDA stream. Throws
// Error for another width or alignment, and in a build without CUDA.
void pack_codes_cuda(const uint8_t* codes, int64_t n, int64_t bits, uint8_t* stream, void* cuda_stream);
void unpack_codes_cuda(const uint8_t* stream, int64_t n, const PackedWidth& width, uint8_t* codes, void* cuda_stream);

}  // namespace carat
