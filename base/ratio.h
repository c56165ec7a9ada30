// SPDX-License-Identifier: Apache-2.0
// Exact fractions of 128-bit integers: means over a test set and declared densities are counted without rounding.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace carat {

__extension__ using Int128 = __int128;

// Always reduced, denominator positive. Throws Error when a result does not fit: never a wrong number.
class Ratio {
 public:
  Ratio() = default;
  Ratio(int64_t value) : numerator_(value) {}
  Ratio(int value) : numerator_(value) {}
  // numerator / denominator; throws Error when the denominator is zero.
  static Ratio of(int64_t numerator, int64_t denominator);
  // "0.75", "12", "1e-3": at most 18 digits. Throws Error for anything else, "nan" and "inf" included.
  static Ratio from_decimal(std::string_view text);

  Ratio operator+(const Ratio& other) const;
  Ratio operator-(const Ratio& other) const;
  Ratio operator*(const Ratio& other) const;
  Ratio operator/(const Ratio& other) const;
  Ratio& operator+=(const Ratio& other) { return *this = *this + other; }
  bool operator==(const Ratio& other) const = default;
  bool operator<(const Ratio& other) const;

  bool is_integer() const { return denominator_ == 1; }
  // Throws Error when the value is no integer of 64 bits.
  int64_t to_integer() const;
  int64_t floor() const;
  // To the nearest integer, halves up.
  int64_t rounded() const;
  double to_double() const;
  // "12", or "12.5" where the decimals end within six digits, else "37/27".
  std::string text() const;

 private:
  static Ratio reduced(Int128 numerator, Int128 denominator);

  Int128 numerator_ = 0;
  Int128 denominator_ = 1;
};

// Products and sums of 64-bit counts; throw Error on overflow.
int64_t checked_product(int64_t a, int64_t b);
int64_t checked_sum(int64_t a, int64_t b);

}  // namespace carat
