// SPDX-License-Identifier: Apache-2.0
#include "models/packed/cuda_executor.h"

#include <algorithm>

#include "base/fail.h"
#include "models/packed/cuda_plan.h"
#include "models/packed/most_likely.h"

namespace carat {
namespace {

void require_device() {
  require(has_cuda_kernels(),
          "--device cuda: expected a build with CUDA kernels, got one without (nvcc was not found)");
  require(cuda_device_count() > 0, "--device cuda: expected a CUDA device, found none");
}

void run_convolution(const CudaConvolution& step, int64_t count, void* stream) {
  ByteConvolution convolution = step.convolution;
  convolution.batch = count;
  const CudaWork work = {step.workspace_data, stream};
  if (step.epilogue)
    convolve_bytes_scaled_cuda(step.operands, convolution, *step.epilogue, static_cast<uint8_t*>(step.result_data),
                               work);
  else
    convolve_bytes_cuda(step.operands, convolution, static_cast<int32_t*>(step.result_data), work);
}

void run_step(const CudaStep& step, int64_t count, void* stream) {
  if (step.convolution) run_convolution(*step.convolution, count, stream);
  for (const CudaLaunch& launch : step.launches) {
    LayerOp op = launch.op;
    op.batch = count;
    run_layer_cuda(op, launch.finish, stream);
  }
}

template <typename T>
void to_planes(const std::vector<uint8_t>& bytes, const Shape& shape, int64_t count, float* values) {
  const auto* from = reinterpret_cast<const T*>(bytes.data());
  const int64_t pixels = shape.height * shape.width;
  for (int64_t n = 0; n < count; ++n)
    for (int64_t p = 0; p < pixels; ++p)
      for (int64_t c = 0; c < shape.channels; ++c)
        values[(n * shape.channels + c) * pixels + p] = static_cast<float>(*from++);
}

}  // namespace

CudaExecutor::CudaExecutor(const PackedModel& packed) {
  require_device();
  plan_ = std::make_unique<CudaPlan>(packed);
  stream_ = std::make_unique<DeviceStream>();
}

CudaExecutor::~CudaExecutor() = default;

int64_t CudaExecutor::batch() const { return plan_->batch; }

void CudaExecutor::load(const uint8_t* images, int64_t count) const {
  stream_->upload(plan_->address_of(0), images, count * plan_->model.graph.input().input_shape.elements());
}

std::vector<float> CudaExecutor::values(size_t layer, int64_t count) const {
  const CudaValue& value = plan_->values[layer];
  const int64_t n = count * value.shape.elements();
  std::vector<uint8_t> bytes(static_cast<size_t>(n * bytes_of(value.form)));
  std::vector<float> result(static_cast<size_t>(n));
  stream_->download(bytes.data(), plan_->data_of(layer), static_cast<int64_t>(bytes.size()));
  switch (value.form) {
    case ValueForm::uint8:
      to_planes<uint8_t>(bytes, value.shape, count, result.data());
      break;
    case ValueForm::int8:
      to_planes<int8_t>(bytes, value.shape, count, result.data());
      break;
    case ValueForm::int32:
      to_planes<int32_t>(bytes, value.shape, count, result.data());
      break;
    case ValueForm::float32:
      to_planes<float>(bytes, value.shape, count, result.data());
  }
  return result;
}

void CudaExecutor::run(const uint8_t* images, int64_t count, float* logits) const {
  const std::lock_guard lock(mutex_);
  const int64_t image = plan_->model.graph.input().input_shape.elements();
  for (int64_t begin = 0; begin < count; begin += plan_->batch) {
    const int64_t part = std::min(plan_->batch, count - begin);
    load(images + begin * image, part);
    for (const CudaStep& step : plan_->steps) run_step(step, part, stream_->get());
    const std::vector<float> last = values(plan_->values.size() - 1, part);
    logits = std::copy(last.begin(), last.end(), logits);
  }
}

void CudaExecutor::run_observed(const uint8_t* image, float* logits, const LayerObserver& observer) const {
  const std::lock_guard lock(mutex_);
  load(image, 1);
  for (const CudaStep& step : plan_->steps) {
    run_step(step, 1, stream_->get());
    observer(step.result, values(step.result, 1));
  }
  const std::vector<float> last = values(plan_->values.size() - 1, 1);
  std::copy(last.begin(), last.end(), logits);
}

std::vector<int64_t> CudaExecutor::predict(std::span<const uint8_t> pixels) const {
  return most_likely(plan_->model.graph, pixels,
                     [&](int64_t count, float* logits) { run(pixels.data(), count, logits); });
}

}  // namespace carat
