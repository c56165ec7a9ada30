// SPDX-License-Identifier: Apache-2.0
// The parts of kernels/convolve_bytes.h that lie in different files.
#pragma once

#include "kernels/convolve_bytes.h"

namespace carat {

constexpr int64_t kChannelStep = 16;

constexpr int64_t filled_channels(int64_t channels) {
  return (channels + kChannelStep - 1) / kChannelStep * kChannelStep;
}

// Where there are tensor cores. CUTLASS keeps a bit per row and column of the window.
inline bool suits_tensor_cores(const ByteConvolution& c) {
  constexpr int64_t kLargestWindow = 32;
  return c.window.groups == 1 && c.window.out_channels % kChannelStep == 0 && c.window.kernel <= kLargestWindow;
}

// A convolution as tensor cores make it: x and weights as int8 or uint8 with a multiple of 16 channels, rows and
// columns of the window apart.
struct TensorCoreProblem {
  int batch, height, width, channels;
  int out_channels, out_height, out_width;
  int rows, columns;  // of the window
  int row_stride, column_stride;
  int row_padding, column_padding;
  bool unsigned_input;
};

// Null acc: codes, else sums.
struct TensorCoreResult {
  int32_t* acc;
  uint8_t* codes;
  ScaleEpilogue epilogue;
};
void convolve_on_tensor_cores(const ConvolutionOperands& operands, const TensorCoreProblem& problem,
                              const TensorCoreResult& result, void* stream);

}  // namespace carat
