// SPDX-License-Identifier: Apache-2.0
// Codes and scales of the weights of convolution and linear layers.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/options.h"
#include "models/weights/model.h"
#include "stages/scale_fit.h"

namespace carat {

// What one layer's weights become. bits 0 and the choice "same" take what the stage says.
struct WeightCoding {
  int64_t bits = 4;
  std::string encoding = "plain";      // plain, ternary, binary
  std::string granularity = "kernel";  // kernel, tensor, group
  int64_t group_size = 4;              // kernels that share a scale
  std::string range = "symmetric";     // symmetric: -(2^(bits-1)-1) .. 2^(bits-1)-1; full: from -2^(bits-1)
  std::string fit = "exact";           // exact, alternating

  static WeightCoding same();
  void describe(OptionTable& table);
  void describe_layers(OptionTable& table);
  // These choices where they are made, else those of the stage. Bits alone mean plain codes.
  WeightCoding over(const WeightCoding& stage) const;
  // None: the weights stay in floating point (32 bits). 1 bit is binary. Throws Error naming the layer for other widths
  // than 1 to 8, 16 and 32.
  std::optional<QuantSpec> spec(const std::string& layer, Rounding rounding) const;
  // "4 bits", "ternary"
  std::string text() const;
};

struct WeightTensor {
  std::span<const float> values;  // {kernels, weights of a kernel}
  std::span<const uint8_t> kept;  // the same shape, 0 = masked; empty: all are kept
  int64_t kernels = 1;
  int64_t kernels_per_scale = 1;  // granularity kernel: runs of kernels with one scale, the last may be shorter
};

struct WeightScale {
  ScaleFit fit;
  double alternating_error = 0.0;  // squared error of the alternation from the largest magnitude
  double power = 0.0;              // w . w of the kept weights

  // The alternation stopped in a local minimum.
  bool is_miss() const { return alternating_error - fit.squared_error > 1e-12 * power; }
};

// Scales that minimise ||w - scale * code||^2 over the kept weights, one per run of kernels (one in all for granularity
// tensor): fit_scale_exact, or fit_scale where alternating is asked for or codes are wider than 8 bits. Threads share
// the runs; the result does not depend on them. Throws Error for no weights, a mask of another size, or kernels that do
// not divide the weights.
std::vector<WeightScale> fit_weight_scales(const WeightTensor& weights, const QuantSpec& spec, bool alternating);

// For training, between epochs: new contents of the buffer weight_scale, {kernels} or {1}, for float weights and their
// mask. A run without a weight other than 0 has scale 1.
std::vector<float> refit_weight_scales(const WeightTensor& weights, const QuantSpec& spec, bool alternating = false);

// What the fits of a stage add up to.
struct WeightFitReport {
  std::string rows;  // tensor,bits,scale,zero_point,relative_error,alternating_error
  int64_t scales = 0;
  int64_t misses = 0;     // of the alternation
  double excess = 0.0;    // squared error of the alternation beyond the fit, all scales
  double error = 0.0;     // squared error, all scales
  double worst = 0.0;     // largest ratio of the alternation's error to the fit's, where that is not 0
  int64_t zeros = 0;      // weights that joined a mask
  int64_t new_masks = 0;  // layers that got a mask

  std::string text() const;
};

// Fits the scales of a quantized layer and puts its weights on the grid; NAME.unrounded keeps what they were. On a GPU
// the alternation of all kernels is one launch (kernels/fit_scales.h).
void quantize_weights(Model& model, const LayerSpec& layer, const WeightCoding& coding, WeightFitReport& report,
                      const at::Device& device = at::kCPU);

// Weights that are 0 join the mask of their layer, with a block mask where all of a block are 0. A layer without a mask
// gets one where weight_storage (models/graph/storage.h) stores a bit mask with the nonzeros: there it is charged
// anyway.
void mask_zeros(Model& model, WeightFitReport& report);

}  // namespace carat
