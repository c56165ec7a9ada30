// SPDX-License-Identifier: Apache-2.0
// Channels whose value is the same for every image and at every position.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "models/weights/model.h"

namespace carat {

// By layer and channel, in evaluation: a kernel without nonzero weights gives its bias, and batch norm, activation
// functions, pools and sums of constants give constants. Nothing where the value depends on the image, or on the
// position because zeros are padded around a constant that is not zero. Of floating-point networks.
using ConstantChannels = std::map<std::string, std::vector<std::optional<double>>>;
ConstantChannels constant_channels(const Model& model);

// Weights of a convolution or linear layer by kernel and channel of its input.
class KernelView {
 public:
  KernelView(const Model& model, const LayerSpec& layer);

  int64_t kernels() const { return kernels_; }
  // Of one kernel: channels / groups.
  int64_t channels() const { return channels_; }
  int64_t taps() const { return taps_; }
  // Channel of the layer's input that is channel c of kernel k.
  int64_t input_channel(int64_t k, int64_t c) const { return k / (kernels_ / groups_) * channels_ + c; }
  bool reads(int64_t k, int64_t c) const;
  // What a constant of 1 on that channel adds to the kernel's result where nothing is padded.
  double sum(int64_t k, int64_t c) const;

 private:
  const float* taps_of(int64_t k, int64_t c) const { return weights_.data() + (k * channels_ + c) * taps_; }

  const std::vector<float>& weights_;
  int64_t kernels_;
  int64_t groups_;
  int64_t channels_;
  int64_t taps_;
};

}  // namespace carat
