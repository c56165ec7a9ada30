// SPDX-License-Identifier: Apache-2.0
#include "stages/scale_fit.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace carat {
namespace {

// std::round without its call: no sum of a number below a half reaches the next integer.
double round_half_away(double x) { return std::trunc(x + std::copysign(0.49999999999999994, x)); }

double rounded(double x, const QuantSpec& spec) {
  if (spec.encoding() == Encoding::binary) return x == 0.0 ? 0.0 : std::copysign(1.0, x);
  const double whole = spec.rounding() == Rounding::half_even ? std::nearbyint(x) : round_half_away(x);
  return std::clamp(whole, static_cast<double>(spec.lowest_code()), static_cast<double>(spec.highest_code()));
}

constexpr size_t kBlock = 64;

// Codes of up to kBlock values.
void codes_of_block(std::span<const float> values, double scale, const QuantSpec& spec,
                    std::array<double, kBlock>& codes) {
  const auto lowest = static_cast<double>(spec.lowest_code());
  const auto highest = static_cast<double>(spec.highest_code());
  if (spec.rounding() == Rounding::half_even)
    for (size_t i = 0; i < values.size(); ++i)
      codes[i] = std::min(std::max(std::nearbyint(values[i] / scale), lowest), highest);
  else
    for (size_t i = 0; i < values.size(); ++i)
      codes[i] = std::min(std::max(round_half_away(values[i] / scale), lowest), highest);
}

// Calls add(value, code) for every value in order.
template <typename Add>
void over_codes(std::span<const float> values, double scale, const QuantSpec& spec, const Add& add) {
  std::array<double, kBlock> codes;
  for (size_t begin = 0; begin < values.size(); begin += kBlock) {
    const std::span<const float> block = values.subspan(begin, std::min(kBlock, values.size() - begin));
    codes_of_block(block, scale, spec, codes);
    for (size_t i = 0; i < block.size(); ++i) add(static_cast<double>(block[i]), codes[i]);
  }
}

double squared_error(std::span<const float> values, double scale, const QuantSpec& spec) {
  double error = 0.0;
  over_codes(values, scale, spec, [&](double x, double code) {
    const double difference = x - scale * code;
    error += difference * difference;
  });
  return error;
}

ScaleFit binary_fit(std::span<const float> values) {
  double sum = 0.0;
  double power = 0.0;
  double count = 0.0;
  for (const float x : values) {
    sum += std::abs(static_cast<double>(x));
    power += static_cast<double>(x) * x;
    count += x == 0.0F ? 0.0 : 1.0;
  }
  const double scale = sum / count;
  return {scale, std::max(0.0, power - scale * sum)};
}

double largest_magnitude(std::span<const float> values) {
  float largest = 0.0F;
  for (const float x : values) largest = std::max(largest, std::abs(x));
  return largest;
}

}  // namespace

ScaleFit fit_scale_from(std::span<const float> values, double scale, const QuantSpec& spec) {
  if (spec.encoding() == Encoding::binary) return binary_fit(values);
  constexpr int kRounds = 100;
  for (int round = 0; round < kRounds; ++round) {
    double xq = 0.0;
    double qq = 0.0;
    over_codes(values, scale, spec, [&](double x, double code) {
      xq += x * code;
      qq += code * code;
    });
    if (qq == 0.0 || xq <= 0.0) break;
    const double next = xq / qq;
    const bool settled = std::abs(next - scale) <= 1e-9 * scale;
    scale = next;
    if (settled) break;
  }
  return {scale, squared_error(values, scale, spec)};
}

ScaleFit fit_scale(std::span<const float> values, const QuantSpec& spec) {
  const double largest = largest_magnitude(values);
  if (largest == 0.0) return {};
  return fit_scale_from(values, largest / static_cast<double>(spec.highest_code()), spec);
}

ScaleFit fit_scale_from_many(std::span<const float> values, const QuantSpec& spec) {
  const double largest = largest_magnitude(values);
  if (largest == 0.0) return {};
  ScaleFit best = fit_scale(values, spec);
  for (double share = 0.9; share > 0.15; share -= 0.1) {
    const ScaleFit fit = fit_scale_from(values, share * largest / static_cast<double>(spec.highest_code()), spec);
    if (fit.squared_error < best.squared_error) best = fit;
  }
  return best;
}

int64_t code_of(float value, float inverse_scale, const QuantSpec& spec) {
  return static_cast<int64_t>(rounded(static_cast<double>(value * inverse_scale), spec));
}

}  // namespace carat
