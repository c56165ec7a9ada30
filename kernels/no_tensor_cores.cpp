// SPDX-License-Identifier: Apache-2.0
// Stands in for tensor_cores.cu in a build without CUTLASS: everything runs in the direct kernel.
#include "kernels/convolve_bytes_cuda.h"

namespace carat {

bool runs_on_tensor_cores(const ByteConvolution& /*convolution*/) { return false; }
void convolve_on_tensor_cores(const ConvolutionOperands& /*operands*/, const TensorCoreProblem& /*problem*/,
                              const TensorCoreResult& /*result*/, void* /*stream*/) {}

}  // namespace carat
