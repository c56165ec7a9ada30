// SPDX-License-Identifier: Apache-2.0
#include "stages/scale_fit.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "base/fail.h"
#include "kernels/device.h"
#include "models/net/code_kernels.h"

namespace carat {
namespace {

double rounded(double x, const QuantSpec& spec) {
  const double whole = spec.rounding() == Rounding::half_even ? std::nearbyint(x) : std::round(x);
  return std::clamp(whole, static_cast<double>(spec.lowest_code()), static_cast<double>(spec.highest_code()));
}

double squared_error(std::span<const float> values, double scale, const QuantSpec& spec) {
  double error = 0.0;
  for (const float x : values) {
    const double difference = x - scale * rounded(x / scale, spec);
    error += difference * difference;
  }
  return error;
}

ScaleFit alternate(std::span<const float> values, double scale, const QuantSpec& spec) {
  constexpr int kRounds = 100;
  for (int round = 0; round < kRounds; ++round) {
    double xq = 0.0;
    double qq = 0.0;
    for (const float x : values) {
      const double code = rounded(x / scale, spec);
      xq += x * code;
      qq += code * code;
    }
    if (qq == 0.0 || xq <= 0.0) break;
    const double next = xq / qq;
    const bool settled = std::abs(next - scale) <= 1e-9 * scale;
    scale = next;
    if (settled) break;
  }
  return {scale, squared_error(values, scale, spec)};
}

double largest_magnitude(std::span<const float> values) {
  float largest = 0.0F;
  for (const float x : values) largest = std::max(largest, std::abs(x));
  return largest;
}

}  // namespace

ScaleFit fit_scale(std::span<const float> values, const QuantSpec& spec) {
  const double largest = largest_magnitude(values);
  if (largest == 0.0) return {};
  return alternate(values, largest / static_cast<double>(spec.highest_code()), spec);
}

ScaleFit fit_scale_from_many(std::span<const float> values, const QuantSpec& spec) {
  const double largest = largest_magnitude(values);
  if (largest == 0.0) return {};
  ScaleFit best = fit_scale(values, spec);
  for (double share = 0.9; share > 0.15; share -= 0.1) {
    const ScaleFit fit = alternate(values, share * largest / static_cast<double>(spec.highest_code()), spec);
    if (fit.squared_error < best.squared_error) best = fit;
  }
  return best;
}

std::vector<ScaleFit> fit_scales_of(std::span<const float> values, int64_t count, const QuantSpec& spec,
                                    const c10::Device& device) {
  require(count >= 1 && static_cast<int64_t>(values.size()) % count == 0,
          "fit_scales_of: expected parts that divide {} values, got {}", values.size(), count);
  std::vector<ScaleFit> fits;
  const size_t size = values.size() / static_cast<size_t>(count);
  if (device.is_cuda() && has_cuda_kernels()) {
    const at::Tensor weights = torch::from_blob(const_cast<float*>(values.data()), {count, static_cast<int64_t>(size)});
    const ScalesOfKernels all = fit_scales_by_kernel(weights.to(device), spec);
    for (size_t k = 0; k < all.scales.size(); ++k) fits.push_back({all.scales[k], all.squared_errors[k]});
    return fits;
  }
  for (size_t k = 0; k < static_cast<size_t>(count); ++k)
    fits.push_back(fit_scale(values.subspan(k * size, size), spec));
  return fits;
}

int64_t code_of(float value, float inverse_scale, const QuantSpec& spec) {
  return static_cast<int64_t>(rounded(static_cast<double>(value * inverse_scale), spec));
}

}  // namespace carat
