// SPDX-License-Identifier: Apache-2.0
#include "base/ratio.h"

#include <algorithm>
#include <limits>

#include "base/fail.h"

namespace carat {
namespace {

constexpr int kDigits = 18;

Int128 greatest_divisor(Int128 a, Int128 b) {
  if (a < 0) a = -a;
  while (b != 0) {
    const Int128 rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

Int128 product(Int128 a, Int128 b) {
  Int128 result = 0;
  require(!__builtin_mul_overflow(a, b, &result), "a count does not fit 128 bits");
  return result;
}

Int128 sum(Int128 a, Int128 b) {
  Int128 result = 0;
  require(!__builtin_add_overflow(a, b, &result), "a count does not fit 128 bits");
  return result;
}

std::string digits(Int128 value) {
  if (value == 0) return "0";
  const bool is_negative = value < 0;
  std::string text;
  for (; value != 0; value /= 10)
    text += static_cast<char>('0' + static_cast<int>(value % 10) * (is_negative ? -1 : 1));
  if (is_negative) text += '-';
  return {text.rbegin(), text.rend()};
}

Int128 floor_division(Int128 a, Int128 b) { return a / b - (a % b < 0 ? 1 : 0); }

int64_t narrowed(Int128 value) {
  require(value >= std::numeric_limits<int64_t>::min() && value <= std::numeric_limits<int64_t>::max(),
          "the count {} does not fit 64 bits", digits(value));
  return static_cast<int64_t>(value);
}

}  // namespace

Ratio Ratio::reduced(Int128 numerator, Int128 denominator) {
  require(denominator != 0, "a division by zero");
  if (denominator < 0) {
    numerator = product(numerator, -1);
    denominator = product(denominator, -1);
  }
  const Int128 divisor = greatest_divisor(numerator, denominator);
  Ratio ratio;
  ratio.numerator_ = numerator / divisor;
  ratio.denominator_ = denominator / divisor;
  return ratio;
}

Ratio Ratio::of(int64_t numerator, int64_t denominator) { return reduced(numerator, denominator); }

Ratio Ratio::from_decimal(std::string_view text) {
  const auto refuse = [&] { fail("expected a decimal number of at most {} digits, got '{}'", kDigits, text); };
  const size_t exponent_at = text.find_first_of("eE");
  std::string_view mantissa = text.substr(0, exponent_at);
  int exponent = 0;
  if (exponent_at != std::string_view::npos) {
    const std::string power(text.substr(exponent_at + 1));
    if (power.empty() || power.size() > 3 ||
        power.find_first_not_of("0123456789", power[0] == '-' || power[0] == '+' ? 1 : 0) != std::string::npos)
      refuse();
    exponent = std::atoi(power.c_str());
  }
  const bool is_negative = mantissa.starts_with('-');
  if (is_negative) mantissa.remove_prefix(1);
  Int128 value = 0;
  int count = 0;
  bool has_point = false;
  for (const char c : mantissa) {
    if (c == '.' && !has_point) {
      has_point = true;
      continue;
    }
    if (c < '0' || c > '9' || ++count > kDigits) refuse();
    value = value * 10 + (c - '0');
    if (has_point) --exponent;
  }
  if (count == 0 || exponent < -kDigits || exponent > kDigits) refuse();
  Int128 power = 1;
  for (int i = 0; i < std::abs(exponent); ++i) power *= 10;
  if (is_negative) value = -value;
  return exponent >= 0 ? reduced(product(value, power), 1) : reduced(value, power);
}

Ratio Ratio::operator+(const Ratio& other) const {
  if (denominator_ == other.denominator_) return reduced(sum(numerator_, other.numerator_), denominator_);
  const Int128 common = greatest_divisor(denominator_, other.denominator_);
  const Int128 scale = other.denominator_ / common;
  return reduced(sum(product(numerator_, scale), product(other.numerator_, denominator_ / common)),
                 product(denominator_, scale));
}

Ratio Ratio::operator-(const Ratio& other) const { return *this + other * Ratio(-1); }

Ratio Ratio::operator*(const Ratio& other) const {
  const Int128 left = greatest_divisor(numerator_, other.denominator_);
  const Int128 right = greatest_divisor(other.numerator_, denominator_);
  return reduced(product(numerator_ / std::max<Int128>(left, 1), other.numerator_ / std::max<Int128>(right, 1)),
                 product(denominator_ / std::max<Int128>(right, 1), other.denominator_ / std::max<Int128>(left, 1)));
}

Ratio Ratio::operator/(const Ratio& other) const { return *this * reduced(other.denominator_, other.numerator_); }

bool Ratio::operator<(const Ratio& other) const { return (*this - other).numerator_ < 0; }

int64_t Ratio::to_integer() const {
  require(is_integer(), "expected a whole number, got {}", text());
  return narrowed(numerator_);
}

int64_t Ratio::floor() const { return narrowed(floor_division(numerator_, denominator_)); }

int64_t Ratio::rounded() const { return (*this + of(1, 2)).floor(); }

double Ratio::to_double() const {
  // The whole part and the rest apart, so that integers below 2^53 and their sums with short fractions are exact.
  const Int128 whole = floor_division(numerator_, denominator_);
  const Int128 rest = numerator_ - whole * denominator_;
  return static_cast<double>(static_cast<long double>(whole) +
                             static_cast<long double>(rest) / static_cast<long double>(denominator_));
}

std::string Ratio::text() const {
  if (is_integer()) return digits(numerator_);
  constexpr int64_t kMillion = 1000000;
  if (kMillion % denominator_ != 0) return digits(numerator_) + "/" + digits(denominator_);
  const Int128 scaled = product(numerator_, kMillion / denominator_);
  const Int128 size = scaled < 0 ? -scaled : scaled;
  std::string decimals = digits(size % kMillion);
  decimals.insert(0, 6 - decimals.size(), '0');
  while (decimals.back() == '0') decimals.pop_back();
  return (scaled < 0 ? "-" : "") + digits(size / kMillion) + "." + decimals;
}

int64_t checked_product(int64_t a, int64_t b) {
  int64_t result = 0;
  require(!__builtin_mul_overflow(a, b, &result), "the count {} x {} does not fit 64 bits", a, b);
  return result;
}

int64_t checked_sum(int64_t a, int64_t b) {
  int64_t result = 0;
  require(!__builtin_add_overflow(a, b, &result), "the count {} + {} does not fit 64 bits", a, b);
  return result;
}

}  // namespace carat
