// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "kernels/device.h"
#include "kernels/launch_cuda.h"

namespace carat {
namespace {

class Event {
 public:
  Event() { check_cuda(cudaEventCreate(&event_), "cudaEventCreate"); }
  ~Event() { cudaEventDestroy(event_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  void record() { check_cuda(cudaEventRecord(event_), "cudaEventRecord"); }
  double seconds_until(const Event& end) const {
    float milliseconds = 0.0F;
    check_cuda(cudaEventSynchronize(end.event_), "cudaEventSynchronize");
    check_cuda(cudaEventElapsedTime(&milliseconds, event_, end.event_), "cudaEventElapsedTime");
    return static_cast<double>(milliseconds) * 1e-3;
  }

 private:
  cudaEvent_t event_ = nullptr;
};

}  // namespace

bool has_cuda_kernels() { return true; }

int64_t cuda_device_count() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess ? count : 0;
}

std::string cuda_device_name() {
  cudaDeviceProp properties = {};
  check_cuda(cudaGetDeviceProperties(&properties, 0), "cudaGetDeviceProperties");
  return std::string(properties.name) + ", sm_" + std::to_string(properties.major) + std::to_string(properties.minor);
}

DeviceMemory::DeviceMemory(int64_t bytes) : bytes_(bytes) {
  const cudaError_t status = cudaMalloc(&data_, static_cast<size_t>(std::max<int64_t>(bytes, 1)));
  if (status != cudaSuccess) cudaGetLastError();  // forgotten: less memory may be asked for
  check_cuda(status, "cudaMalloc");
}
DeviceMemory::~DeviceMemory() { cudaFree(data_); }
DeviceMemory::DeviceMemory(DeviceMemory&& other) noexcept : bytes_(other.bytes_), data_(other.data_) {
  other.data_ = nullptr;
}
void DeviceMemory::upload(const void* from) {
  check_cuda(cudaMemcpy(data_, from, static_cast<size_t>(bytes_), cudaMemcpyHostToDevice), "upload");
}
void DeviceMemory::download(void* to) const {
  check_cuda(cudaMemcpy(to, data_, static_cast<size_t>(bytes_), cudaMemcpyDeviceToHost), "download");
}

DeviceStream::DeviceStream() {
  cudaStream_t stream = nullptr;
  check_cuda(cudaStreamCreate(&stream), "cudaStreamCreate");
  stream_ = stream;
}
DeviceStream::~DeviceStream() { cudaStreamDestroy(stream_of(stream_)); }
void DeviceStream::upload(void* to, const void* from, int64_t bytes) {
  check_cuda(cudaMemcpyAsync(to, from, static_cast<size_t>(bytes), cudaMemcpyHostToDevice, stream_of(stream_)),
             "upload");
}
void DeviceStream::download(void* to, const void* from, int64_t bytes) {
  check_cuda(cudaMemcpyAsync(to, from, static_cast<size_t>(bytes), cudaMemcpyDeviceToHost, stream_of(stream_)),
             "download");
  wait();
}
void DeviceStream::wait() { check_cuda(cudaStreamSynchronize(stream_of(stream_)), "cudaStreamSynchronize"); }

void device_copy(void* to, const void* from, int64_t bytes) {
  check_cuda(cudaMemcpyAsync(to, from, static_cast<size_t>(bytes), cudaMemcpyDeviceToDevice), "device_copy");
}

double device_seconds(const std::function<void()>& work, int repeats, int calls) {
  work();
  std::vector<double> seconds;
  for (int repeat = 0; repeat < repeats; ++repeat) {
    Event begin;
    Event end;
    begin.record();
    for (int call = 0; call < calls; ++call) work();
    end.record();
    seconds.push_back(begin.seconds_until(end) / calls);
  }
  std::sort(seconds.begin(), seconds.end());
  return seconds[seconds.size() / 2];
}

}  // namespace carat
