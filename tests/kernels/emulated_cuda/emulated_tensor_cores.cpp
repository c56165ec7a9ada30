// SPDX-License-Identifier: Apache-2.0
// Tensor cores without CUTLASS: one sum after the other.
#include "kernels/convolve_bytes_cuda.h"
#include "kernels/scalar/convolution.h"

namespace carat {
namespace {

int32_t sum_of(const ConvolutionOperands& operands, const TensorCoreProblem& p, int n, int i, int j, int k) {
  int32_t sum = 0;
  for (int r = 0; r < p.rows; ++r)
    for (int s = 0; s < p.columns; ++s) {
      const int row = i * p.row_stride + r - p.row_padding;
      const int column = j * p.column_stride + s - p.column_padding;
      if (row < 0 || row >= p.height || column < 0 || column >= p.width) continue;
      const uint8_t* x = operands.x + ((int64_t{n} * p.height + row) * p.width + column) * p.channels;
      const uint8_t* w = operands.weights + ((int64_t{k} * p.rows + r) * p.columns + s) * p.channels;
      for (int c = 0; c < p.channels; ++c)
        sum += (p.unsigned_input ? x[c] : static_cast<int8_t>(x[c])) * static_cast<int8_t>(w[c]);
    }
  return sum;
}

}  // namespace

bool runs_on_tensor_cores(const ByteConvolution& c) { return suits_tensor_cores(c); }

void convolve_on_tensor_cores(const ConvolutionOperands& operands, const TensorCoreProblem& p,
                              const TensorCoreResult& result, void* /*stream*/) {
  int64_t at = 0;
  for (int n = 0; n < p.batch; ++n)
    for (int i = 0; i < p.out_height; ++i)
      for (int j = 0; j < p.out_width; ++j)
        for (int k = 0; k < p.out_channels; ++k, ++at) {
          const int32_t sum = sum_of(operands, p, n, i, j, k);
          if (result.acc != nullptr)
            result.acc[at] = sum;
          else
            scalar::StoreCodes{result.epilogue, result.codes}(at, k, sum);
        }
}

}  // namespace carat
