// SPDX-License-Identifier: Apache-2.0
// The convolutions of ResNet-50 (stride in the 3x3, as torchvision builds it), by shape.
// Source: He et al. 2016, table 1; torchvision.models.resnet50.
#pragma once

#include <cstdint>

#include "kernels/convolve_bytes.h"

namespace carat {

struct ResNetConvolution {
  int64_t times;  // in the network
  int64_t side, channels, out_channels, kernel, stride;

  ByteConvolution at_batch(int64_t batch) const {
    ByteConvolution c;
    c.batch = batch;
    c.window = {.channels = channels,
                .height = side,
                .width = side,
                .kernel = kernel,
                .stride = stride,
                .padding = kernel / 2,
                .out_channels = out_channels};
    c.unsigned_input = true;
    return c;
  }
};

constexpr ResNetConvolution kResNet50[] = {
    {1, 224, 3, 64, 7, 2},     {1, 56, 64, 64, 1, 1},    {3, 56, 64, 64, 3, 1},    {4, 56, 64, 256, 1, 1},
    {2, 56, 256, 64, 1, 1},    {1, 56, 256, 128, 1, 1},  {1, 56, 128, 128, 3, 2},  {4, 28, 128, 512, 1, 1},
    {1, 56, 256, 512, 1, 2},   {3, 28, 512, 128, 1, 1},  {3, 28, 128, 128, 3, 1},  {1, 28, 512, 256, 1, 1},
    {1, 28, 256, 256, 3, 2},   {6, 14, 256, 1024, 1, 1}, {1, 28, 512, 1024, 1, 2}, {5, 14, 1024, 256, 1, 1},
    {5, 14, 256, 256, 3, 1},   {1, 14, 1024, 512, 1, 1}, {1, 14, 512, 512, 3, 2},  {3, 7, 512, 2048, 1, 1},
    {1, 14, 1024, 2048, 1, 2}, {2, 7, 2048, 512, 1, 1},  {2, 7, 512, 512, 3, 1}};

constexpr int64_t resnet50_multiplications() {
  int64_t sum = 0;
  for (const ResNetConvolution& c : kResNet50) {
    const int64_t side = (c.side + 2 * (c.kernel / 2) - c.kernel) / c.stride + 1;
    sum += c.times * side * side * c.out_channels * c.channels * c.kernel * c.kernel;
  }
  return sum;
}
static_assert(resnet50_multiplications() == 4089184256 - 2048 * 1000);  // 4.09 G without the classifier

}  // namespace carat
