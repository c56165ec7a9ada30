// SPDX-License-Identifier: Apache-2.0
// Convolution of 8-bit codes in the layout NHWC, any grouping, batched, exact in int32; zero padding (the code of
// zero):
//   acc[n][y][x][k] = sum over r, s, c of w[k][r][s][c] * x[n][y * stride + r - padding][x * stride + s - padding]
//                     [group(k) * C/groups + c],  group(k) = k / (K/groups)
// x {N, H, W, C}: bytes, uint8 or int8. w {K, R, S, C/groups}: two's complement codes of 2 to 8 bits packed as
// kernels/pack_codes.h says (8 bits: plain int8). acc {N, OH, OW, K}.
//
// Scaled: y = k * float32(acc) + b, two float32 roundings, never fused; code = clamp(round(y)); its low 8 bits.
//
// Throws Error for extents that do not fit together, for R * S * C/groups above 65536 (a sum could leave int32), and
// for 2^31 or more bytes of x, results or weights.
#pragma once

#include <cstdint>

#include "kernels/code_range.h"
#include "kernels/window.h"

namespace carat {

struct ByteConvolution {
  int64_t batch = 1;
  Window window;  // of one image
  bool unsigned_input = false;
  int64_t weight_bits = 8;

  int64_t depth() const { return window.channels / window.groups * window.kernel * window.kernel; }
  int64_t pixels() const { return batch * window.out_height() * window.out_width(); }
};

struct ConvolutionOperands {
  const uint8_t* x;
  const uint8_t* weights;
};

struct ScaleEpilogue {
  const float* scale_and_bias;  // {K, 2}: k and b of every kernel
  CodeGrid grid;                // half_even or half_away
};

void check_convolution(const ByteConvolution& convolution);
void check_epilogue(const ScaleEpilogue& epilogue);
// Multiplications of a dense execution.
int64_t multiplications(const ByteConvolution& convolution);

void convolve_bytes(const ConvolutionOperands& operands, const ByteConvolution& convolution, int32_t* acc);
void convolve_bytes_scaled(const ConvolutionOperands& operands, const ByteConvolution& convolution,
                           const ScaleEpilogue& epilogue, uint8_t* codes);

// Device pointers, aligned to 16 bytes (scale_and_bias to 128). Dense convolutions with K divisible by 16 and windows
// up to 32 x 32 run on tensor cores (CUTLASS implicit GEMM, mma m16n8k32); their x and w are copied into the workspace
// with channels filled up to a multiple of 16, or weights unpacked, where that is needed; of few channels (an image)
// the taps of a row of the window lie side by side in the copy and are filled up together. All others run in a direct
// kernel that unpacks weights in shared memory. Throw Error in a build without CUDA too.
struct CudaWork {
  void* workspace;  // convolution_workspace(...) bytes, aligned to 16; may be null when that is 0
  void* stream;
};
// Whether a shape does, in this build: never without CUTLASS.
bool runs_on_tensor_cores(const ByteConvolution& convolution);
int64_t convolution_workspace(const ByteConvolution& convolution);
void convolve_bytes_cuda(const ConvolutionOperands& operands, const ByteConvolution& convolution, int32_t* acc,
                         const CudaWork& work);
void convolve_bytes_scaled_cuda(const ConvolutionOperands& operands, const ByteConvolution& convolution,
                                const ScaleEpilogue& epilogue, uint8_t* codes, const CudaWork& work);

}  // namespace carat
