// SPDX-License-Identifier: Apache-2.0
// How a tensor is quantized, as data: real = scale * code. Illegal combinations cannot be built.
#pragma once

#include <cstdint>
#include <string_view>

namespace carat {

enum class Rounding { half_even, half_away };
enum class Granularity { tensor, kernel };
// How codes of weights are stored. plain: two's complement; binary: a sign bit for -1 and +1; ternary: a sign bit under
// a bit mask, else two bits; codebook: an index into a layer's table of codes other than 0 (zeros take a mask).
enum class Encoding { plain, binary, ternary, codebook };

class QuantSpec {
 public:
  // Signed symmetric codes -(2^(bits-1)-1) .. 2^(bits-1)-1, bits 2..16.
  static QuantSpec symmetric(int64_t bits, Granularity granularity, Rounding rounding = Rounding::half_even);
  // Signed two's complement codes -(2^(bits-1)) .. 2^(bits-1)-1, bits 2..16.
  static QuantSpec full_range(int64_t bits, Granularity granularity, Rounding rounding = Rounding::half_even);
  // Unsigned codes 0 .. 2^bits-1 (after ReLU, or pixels), one scale per tensor, bits 1..16.
  static QuantSpec unsigned_tensor(int64_t bits, Rounding rounding = Rounding::half_even);

  // Activations that reach below zero unevenly: codes 0 .. 2^bits-1, real = scale * (code - zero point), the zero point
  // an integer 0 .. 2^bits-1 in the buffer NAME.zero_point, bits 1..16. Only before fusing, which leaves
  // unsigned_tensor. Values in a Network are code - zero point.
  static QuantSpec shifted_tensor(int64_t bits, Rounding rounding = Rounding::half_even);

  // Codes -1 and +1.
  static QuantSpec binary(Granularity granularity);
  // Codes -1, 0 and +1.
  static QuantSpec ternary(Granularity granularity);
  // 2^index_bits codes of entry_bits (two's complement), index_bits 1..8, entry_bits 2..16.
  static QuantSpec codebook(int64_t index_bits, int64_t entry_bits, Granularity granularity);

  // Width of a code as the operand of a multiply: 1 for binary, 2 for ternary, the entry's for a codebook.
  int64_t bits() const { return bits_; }
  Encoding encoding() const { return encoding_; }
  // Codebook only, else 0.
  int64_t index_bits() const { return index_bits_; }
  bool is_signed() const { return is_signed_; }
  Granularity granularity() const { return granularity_; }
  Rounding rounding() const { return rounding_; }
  // Of shifted codes: bounds of code - zero point for any zero point.
  int64_t lowest_code() const;
  int64_t highest_code() const;

  bool is_full_range() const { return is_full_range_; }
  bool is_shifted() const { return is_shifted_; }

  bool operator==(const QuantSpec&) const = default;

 private:
  QuantSpec(int64_t bits, bool is_signed, Granularity granularity, Rounding rounding)
      : bits_(bits), is_signed_(is_signed), granularity_(granularity), rounding_(rounding) {}

  int64_t bits_;
  bool is_signed_;
  Granularity granularity_;
  Rounding rounding_;
  bool is_full_range_ = false;
  bool is_shifted_ = false;
  Encoding encoding_ = Encoding::plain;
  int64_t index_bits_ = 0;
};

std::string_view name_of(Encoding encoding);
std::string_view name_of(Rounding rounding);
std::string_view name_of(Granularity granularity);
Rounding rounding_named(std::string_view name);
Granularity granularity_named(std::string_view name);

}  // namespace carat
