// SPDX-License-Identifier: Apache-2.0
// The numbers of a network in device memory, in the orders that CUDA kernels read.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kernels/device.h"
#include "models/weights/model.h"

namespace carat {

class DeviceNumbers {
 public:
  // Every buffer but weights by its name: "layer.scale", "layer.bias", "layer.table"; and "layer.pairs", k and b of
  // every kernel of a Scale layer one after the other. The input layer's "mean" and "deviation".
  explicit DeviceNumbers(const Model& model);

  // "layer.weight": float32 {C/groups, R, S, K}, a linear layer's window as large as its image.
  void add_float_weights(const LayerSpec& layer);
  // "layer.weight": {K, R, S, C/groups} codes, packed where they are plain codes of 2 to 8 bits (returned), else 8 bits
  // a code. Throws Error naming the layer for weights beyond 8 bits.
  int64_t add_codes(const LayerSpec& layer);
  void upload();

  // Device addresses, multiples of 128, after upload.
  const float* floats(const std::string& name) const { return reinterpret_cast<const float*>(bytes(name)); }
  const uint8_t* bytes(const std::string& name) const;

 private:
  struct Extents {
    int64_t kernels, channels, taps;
  };
  Extents extents_of(const LayerSpec& layer) const;
  void add(const std::string& name, const void* data, size_t bytes);
  void add_floats(const std::string& name, const std::vector<float>& values);

  const Model& model_;
  std::vector<uint8_t> host_;
  std::map<std::string, size_t> at_;
  std::unique_ptr<DeviceMemory> memory_;
};

}  // namespace carat
