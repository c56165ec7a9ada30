// SPDX-License-Identifier: Apache-2.0
// Layers of a network as kernels/layer_ops.h has them.
#pragma once

#include "kernels/layer_ops.h"
#include "models/packed/device_numbers.h"

namespace carat {

class CudaLayers {
 public:
  CudaLayers(const ModelGraph& graph, const DeviceNumbers& numbers) : graph_(graph), numbers_(numbers) {}

  // Scale, quantizer, table, activation function.
  ElementOp element_of(const LayerSpec& spec) const;
  // y + bias of a convolution or linear layer.
  ElementOp bias_of(const LayerSpec& spec) const;
  // Without inputs. Element-wise layers and dropout copy, concatenations are made of copies.
  LayerOp operation_of(size_t index) const;

 private:
  ImageRule image_rule() const;

  const ModelGraph& graph_;
  const DeviceNumbers& numbers_;
};

}  // namespace carat
