// SPDX-License-Identifier: Apache-2.0
// Stands in for every .cu file in a build without nvcc.
#include "base/error.h"
#include "kernels/device.h"
#include "kernels/quantize.h"
#include "kernels/scale_channels.h"

namespace carat {
namespace {

[[noreturn]] void refuse() { throw Error("this build has no CUDA kernels: nvcc was not found when it was configured"); }

}  // namespace

void quantize_codes_cuda(const float*, int64_t, const CodeRange&, float*, void*) { refuse(); }
void scale_channels_cuda(const float*, const ScaleExtents&, const float*, const float*, float*, void*) { refuse(); }
int64_t cuda_device_count() { return 0; }

}  // namespace carat
