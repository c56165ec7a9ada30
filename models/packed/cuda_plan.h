// SPDX-License-Identifier: Apache-2.0
// How the CUDA executor runs a network: which layers run together, in which form values lie in device memory, and
// where. All values are {N, H, W, C}.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "kernels/convolve_bytes.h"
#include "kernels/layer_ops.h"
#include "models/packed/arena.h"
#include "models/packed/device_numbers.h"
#include "models/packed/packed_model.h"

namespace carat {

// A place in the workspace, by its number.
using BlockNumber = size_t;

// One launch of kernels/layer_ops.h; addresses are set when the workspace is there.
struct CudaLaunch {
  LayerOp op;
  LayerFinish finish;
  std::vector<BlockNumber> inputs;
  BlockNumber result = 0;
};

// A convolution of bytes to sums, or with its Scale layer and quantizer to codes.
struct CudaConvolution {
  ByteConvolution convolution;
  ConvolutionOperands operands = {};
  std::optional<ScaleEpilogue> epilogue;
  BlockNumber input = 0;
  BlockNumber result = 0;
  BlockNumber workspace = 0;
  void* result_data = nullptr;
  void* workspace_data = nullptr;
};

// The convolution first, then the launches.
struct CudaStep {
  size_t layer = 0;   // the first layer
  size_t result = 0;  // the layer whose value it gives
  std::optional<CudaConvolution> convolution;
  std::vector<CudaLaunch> launches;
};

struct CudaValue {
  Shape shape;
  ValueForm form = ValueForm::float32;
  BlockNumber block = 0;
};

struct CudaPlan {
  // Uploads the weights and allocates a workspace for up to 256 images, fewer where they would take more than 4 GiB or
  // there is no such memory. Throws Error naming the layer whose codes are wider than 8 bits.
  explicit CudaPlan(const PackedModel& packed);
  CudaPlan(const CudaPlan&) = delete;
  CudaPlan& operator=(const CudaPlan&) = delete;

  // Device address of a value.
  void* data_of(size_t layer) const { return address_of(values[layer].block); }
  void* address_of(BlockNumber block) const;

  Model model;
  DeviceNumbers numbers;
  std::vector<CudaValue> values;  // by layer
  std::vector<CudaStep> steps;
  std::vector<ArenaBlock> blocks;  // the first holds the images as they come
  int64_t batch = 0;
  std::unique_ptr<DeviceMemory> workspace;
};

// Chooses the batch, places the blocks, allocates them and sets every address of the steps.
void allocate_workspace(CudaPlan& plan);

}  // namespace carat
