// SPDX-License-Identifier: Apache-2.0
// The CUDA device as executors, tests and benchmarks need it. In a build without CUDA kernels there is none: the count
// is 0 and everything else throws Error.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace carat {

// Whether this build has CUDA kernels, device or not.
bool has_cuda_kernels();
// Usable devices: 0 without a driver or device. Never throws.
int64_t cuda_device_count();
// Name of device 0 and its compute capability: "NVIDIA A100-SXM4-80GB, sm_80".
std::string cuda_device_name();

// Device memory; Error when it cannot be had. Copies wait for the default stream.
class DeviceMemory {
 public:
  explicit DeviceMemory(int64_t bytes);
  ~DeviceMemory();
  DeviceMemory(DeviceMemory&& other) noexcept;
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;
  DeviceMemory& operator=(DeviceMemory&&) = delete;

  void* data() { return data_; }
  int64_t bytes() const { return bytes_; }
  void upload(const void* from);
  void download(void* to) const;

 private:
  int64_t bytes_;
  void* data_ = nullptr;
};

// Kernels and copies in the order of their calls; only wait() and download wait for them.
class DeviceStream {
 public:
  DeviceStream();
  ~DeviceStream();
  DeviceStream(const DeviceStream&) = delete;
  DeviceStream& operator=(const DeviceStream&) = delete;

  // As kernels take it.
  void* get() const { return stream_; }
  // From host to device: the host's bytes may change when it returns.
  void upload(void* to, const void* from, int64_t bytes);
  // From device to host, when all work before is done.
  void download(void* to, const void* from, int64_t bytes);
  void wait();

 private:
  void* stream_ = nullptr;
};

// Copies bytes on the default stream.
void device_copy(void* to, const void* from, int64_t bytes);

// Seconds of one call, by CUDA events: the median of repeats after one warm-up call, each over `calls` calls on the
// default stream.
double device_seconds(const std::function<void()>& work, int repeats, int calls);

}  // namespace carat
