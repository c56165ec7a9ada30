// SPDX-License-Identifier: Apache-2.0
#include "models/graph/quant.h"

#include "base/fail.h"

namespace carat {

QuantSpec QuantSpec::symmetric(int64_t bits, Granularity granularity, Rounding rounding) {
  require(bits >= 2 && bits <= 16, "symmetric quantization: expected 2 to 16 bits, got {}", bits);
  return {bits, true, granularity, rounding};
}

QuantSpec QuantSpec::full_range(int64_t bits, Granularity granularity, Rounding rounding) {
  QuantSpec spec = symmetric(bits, granularity, rounding);
  spec.is_full_range_ = true;
  return spec;
}

QuantSpec QuantSpec::unsigned_tensor(int64_t bits, Rounding rounding) {
  require(bits >= 1 && bits <= 16, "unsigned quantization: expected 1 to 16 bits, got {}", bits);
  return {bits, false, Granularity::tensor, rounding};
}

QuantSpec QuantSpec::shifted_tensor(int64_t bits, Rounding rounding) {
  QuantSpec spec = unsigned_tensor(bits, rounding);
  spec.is_shifted_ = true;
  return spec;
}

QuantSpec QuantSpec::binary(Granularity granularity) {
  QuantSpec spec(1, true, granularity, Rounding::half_even);
  spec.encoding_ = Encoding::binary;
  return spec;
}

QuantSpec QuantSpec::ternary(Granularity granularity) {
  QuantSpec spec = symmetric(2, granularity, Rounding::half_even);
  spec.encoding_ = Encoding::ternary;
  return spec;
}

QuantSpec QuantSpec::codebook(int64_t index_bits, int64_t entry_bits, Granularity granularity) {
  require(index_bits >= 1 && index_bits <= 8 && index_bits <= entry_bits,
          "codebook: expected 1 to 8 bits of an index, at most the {} of an entry, got {}", entry_bits, index_bits);
  QuantSpec spec = full_range(entry_bits, granularity, Rounding::half_even);
  spec.encoding_ = Encoding::codebook;
  spec.index_bits_ = index_bits;
  return spec;
}

int64_t QuantSpec::lowest_code() const {
  if (is_shifted_) return -highest_code();
  return is_signed_ ? -highest_code() - (is_full_range_ ? 1 : 0) : 0;
}

int64_t QuantSpec::highest_code() const {
  if (encoding_ == Encoding::binary) return 1;
  return (int64_t{1} << (is_signed_ ? bits_ - 1 : bits_)) - 1;
}

std::string_view name_of(Encoding encoding) {
  switch (encoding) {
    case Encoding::plain:
      return "plain";
    case Encoding::binary:
      return "binary";
    case Encoding::ternary:
      return "ternary";
    case Encoding::codebook:
      return "codebook";
  }
  return "";
}

std::string_view name_of(Rounding rounding) { return rounding == Rounding::half_even ? "half_even" : "half_away"; }

std::string_view name_of(Granularity granularity) { return granularity == Granularity::tensor ? "tensor" : "kernel"; }

Rounding rounding_named(std::string_view name) {
  if (name == "half_even") return Rounding::half_even;
  if (name == "half_away") return Rounding::half_away;
  fail("rounding: expected half_even or half_away, got {}", name);
}

Granularity granularity_named(std::string_view name) {
  if (name == "tensor") return Granularity::tensor;
  if (name == "kernel") return Granularity::kernel;
  fail("granularity: expected tensor or kernel, got {}", name);
}

}  // namespace carat
