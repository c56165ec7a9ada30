// SPDX-License-Identifier: Apache-2.0
// CUDA kernels against their CPU specifications, bit for bit, at sizes around block edges. Skips without a GPU.
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <vector>

#include "kernels/device.h"
#include "kernels/quantize.h"
#include "kernels/scale_channels.h"

namespace carat {
namespace {

class DeviceArray {
 public:
  explicit DeviceArray(const std::vector<float>& values) : size_(values.size() * sizeof(float)) {
    cudaMalloc(&data_, size_ + 1);
    cudaMemcpy(data_, values.data(), size_, cudaMemcpyHostToDevice);
  }
  ~DeviceArray() { cudaFree(data_); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;
  float* data() { return data_; }
  std::vector<float> values() const {
    std::vector<float> copy(size_ / sizeof(float));
    cudaMemcpy(copy.data(), data_, size_, cudaMemcpyDeviceToHost);
    return copy;
  }

 private:
  size_t size_;
  float* data_ = nullptr;
};

std::vector<float> sample(int64_t n) {
  std::vector<float> values;
  for (int64_t i = 0; i < n; ++i)
    values.push_back(static_cast<float>((i * 7919) % 1000 - 500) * 0.25F + 0.001F * static_cast<float>(i % 3));
  return values;
}

TEST(CudaKernels, QuantizeEqualsItsSpecification) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "no GPU";
  for (const int64_t n : {0, 1, 31, 32, 33, 255, 256, 257, 100001}) {
    for (const bool half_away : {false, true}) {
      const std::vector<float> x = sample(n);
      std::vector<float> expected(x.size());
      quantize_codes(x.data(), n, {-7, 7, half_away}, expected.data());
      DeviceArray on_device(x);
      quantize_codes_cuda(on_device.data(), n, {-7, 7, half_away}, on_device.data(), nullptr);
      EXPECT_EQ(on_device.values(), expected) << n;
    }
  }
}

TEST(CudaKernels, ScaleEqualsItsSpecification) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "no GPU";
  for (const int64_t pixels : {1, 31, 33, 257}) {
    constexpr int64_t kChannels = 5;
    const std::vector<float> x = sample(kChannels * pixels);
    const std::vector<float> k = {0.1F, -0.3F, 1.7F, 0.0F, 1e-4F};
    const std::vector<float> b = {3.3F, 0.1F, -2.0F, 1.0F, 0.7F};
    std::vector<float> expected(x.size());
    scale_channels(x.data(), kChannels, pixels, k.data(), b.data(), expected.data());
    DeviceArray device_x(x);
    DeviceArray device_k(k);
    DeviceArray device_b(b);
    scale_channels_cuda(device_x.data(), {kChannels, pixels}, device_k.data(), device_b.data(), device_x.data(),
                        nullptr);
    EXPECT_EQ(device_x.values(), expected) << pixels;
  }
}

}  // namespace
}  // namespace carat
