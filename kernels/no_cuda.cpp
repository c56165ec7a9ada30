// SPDX-License-Identifier: Apache-2.0
// Stands in for every .cu file in a build without nvcc.
#include "base/error.h"
#include "kernels/batch_norm.h"
#include "kernels/convolve_bytes.h"
#include "kernels/depthwise.h"
#include "kernels/device.h"
#include "kernels/fake_quant.h"
#include "kernels/fit_scales.h"
#include "kernels/layer_ops.h"
#include "kernels/pack_codes.h"
#include "kernels/quantize.h"
#include "kernels/scale_channels.h"
#include "kernels/statistics.h"
#include "kernels/step_size.h"

namespace carat {
namespace {

[[noreturn]] void refuse() { throw Error("this build has no CUDA kernels: nvcc was not found when it was configured"); }

}  // namespace

void quantize_codes_cuda(const float*, int64_t, const CodeRange&, float*, void*) { refuse(); }
void scale_channels_cuda(const float*, const ScaleExtents&, const float*, const float*, float*, void*) { refuse(); }
void scaled_codes_cuda(const float*, int64_t, const ScaleList&, const CodeGrid&, float*, void*) { refuse(); }
void scaled_bytes_cuda(const float*, int64_t, const ScaleList&, const CodeGrid&, uint8_t*, void*) { refuse(); }
void dequantize_codes_cuda(const float*, int64_t, const ScaleList&, float*, void*) { refuse(); }
void fake_quantize_cuda(const float*, int64_t, const FakeQuantScales&, const CodeGrid&, const FakeQuantResult&, void*) {
  refuse();
}
void straight_through_cuda(const CodeGradient&, int64_t, const ScaleList&, const CodeGrid&, void*) { refuse(); }
void apply_mask_cuda(const float*, const uint8_t*, int64_t, float*, void*) { refuse(); }
void pack_codes_cuda(const uint8_t*, int64_t, int64_t, uint8_t*, void*) { refuse(); }
void unpack_codes_cuda(const uint8_t*, int64_t, const PackedWidth&, uint8_t*, void*) { refuse(); }
void batch_norm_forward_cuda(const NormForward&, const NormShape&, void*, void*) { refuse(); }
void batch_norm_backward_cuda(const NormBackward&, const NormShape&, void*, void*) { refuse(); }
void depthwise_forward_cuda(const DepthwiseBatch&, const float*, const float*, float*, void*) { refuse(); }
void depthwise_input_gradient_cuda(const DepthwiseBatch&, const float*, const float*, float*, void*) { refuse(); }
void depthwise_weight_gradients_cuda(const DepthwiseBatch&, const float*, const float*, float*, void*, void*) {
  refuse();
}
void step_values_cuda(const float*, int64_t, const StepGrid&, float*, void*) { refuse(); }
void step_gradients_cuda(const StepGradients&, int64_t, const StepGrid&, void*, void*) { refuse(); }
void fit_scales_cuda(const KernelWeights&, const CodeGrid&, const ScaleFits&, void*) { refuse(); }
void extremes_cuda(const float*, int64_t, Extremes*, void*) { refuse(); }
void histogram_cuda(const float*, int64_t, const HistogramBins&, uint64_t*, void*) { refuse(); }
void quantile_cuda(const uint64_t*, const HistogramBins&, double, float*, void*) { refuse(); }
void threshold_mask_cuda(const float*, int64_t, const float*, uint8_t*, void*) { refuse(); }
void kth_magnitude_cuda(const float*, int64_t, int64_t, float*, void*, void*) { refuse(); }
void convolve_bytes_cuda(const ConvolutionOperands&, const ByteConvolution&, int32_t*, const CudaWork&) { refuse(); }
void convolve_bytes_scaled_cuda(const ConvolutionOperands&, const ByteConvolution&, const ScaleEpilogue&, uint8_t*,
                                const CudaWork&) {
  refuse();
}
void run_layer_cuda(const LayerOp&, const LayerFinish&, void*) { refuse(); }
bool runs_on_tensor_cores(const ByteConvolution&) { return false; }
int64_t convolution_workspace(const ByteConvolution&) { return 0; }

bool has_cuda_kernels() { return false; }
int64_t cuda_device_count() { return 0; }
std::string cuda_device_name() { refuse(); }
DeviceMemory::DeviceMemory(int64_t bytes) : bytes_(bytes) { refuse(); }
DeviceMemory::~DeviceMemory() { data_ = nullptr; }
DeviceMemory::DeviceMemory(DeviceMemory&& other) noexcept : bytes_(other.bytes_) {}
void DeviceMemory::upload(const void*) { refuse(); }
void DeviceMemory::download(void*) const { refuse(); }
DeviceStream::DeviceStream() { refuse(); }
DeviceStream::~DeviceStream() { stream_ = nullptr; }
void DeviceStream::upload(void*, const void*, int64_t) { refuse(); }
void DeviceStream::download(void*, const void*, int64_t) { refuse(); }
void DeviceStream::wait() { refuse(); }
void device_copy(void*, const void*, int64_t) { refuse(); }
double device_seconds(const std::function<void()>&, int, int) { refuse(); }

}  // namespace carat
