// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"
#include "models/packed/cuda_plan.h"

namespace carat {
namespace {

constexpr int64_t kMostImages = 256;
constexpr int64_t kMostBytes = int64_t{4} << 30;
constexpr int64_t kTooMany = int64_t{1} << 31;

// Bytes of a workspace for so many images, or nothing where a kernel could not count its elements.
std::optional<int64_t> place(CudaPlan& plan, int64_t batch) {
  std::vector<ArenaBlock> blocks = plan.blocks;
  for (ArenaBlock& block : blocks) {
    if (block.bytes * batch >= kTooMany && batch > 1) return std::nullopt;
    block.bytes *= batch;
  }
  for (const CudaStep& step : plan.steps) {
    if (!step.convolution) continue;
    ByteConvolution c = step.convolution->convolution;
    c.batch = batch;
    const int64_t bytes = convolution_workspace(c);
    if (bytes >= kTooMany && batch > 1) return std::nullopt;
    blocks[step.convolution->workspace].bytes = bytes;
  }
  const int64_t bytes = place_blocks(blocks);
  for (size_t i = 0; i < blocks.size(); ++i) plan.blocks[i].offset = blocks[i].offset;
  return bytes;
}

void allocate(CudaPlan& plan) {
  for (plan.batch = kMostImages; plan.batch >= 1; plan.batch /= 2) {
    const std::optional<int64_t> bytes = place(plan, plan.batch);
    if (!bytes || (*bytes > kMostBytes && plan.batch > 1)) continue;
    try {
      plan.workspace = std::make_unique<DeviceMemory>(*bytes);
      return;
    } catch (const Error&) {
      if (plan.batch == 1) throw;
    }
  }
}

void set_addresses(CudaPlan& plan) {
  for (CudaStep& step : plan.steps) {
    if (step.convolution) {
      CudaConvolution& c = *step.convolution;
      c.operands.x = static_cast<const uint8_t*>(plan.address_of(c.input));
      c.result_data = plan.address_of(c.result);
      c.workspace_data = plan.address_of(c.workspace);
    }
    for (CudaLaunch& launch : step.launches) {
      for (size_t i = 0; i < launch.inputs.size(); ++i) launch.op.inputs[i].data = plan.address_of(launch.inputs[i]);
      launch.finish.data = plan.address_of(launch.result);
    }
  }
}

}  // namespace

void allocate_workspace(CudaPlan& plan) {
  allocate(plan);
  set_addresses(plan);
}

void* CudaPlan::address_of(BlockNumber block) const {
  return static_cast<uint8_t*>(workspace->data()) + blocks[block].offset;
}

}  // namespace carat
