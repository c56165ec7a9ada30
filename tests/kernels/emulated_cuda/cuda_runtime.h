// SPDX-License-Identifier: Apache-2.0
// As much of the CUDA runtime as our kernels use, on the CPU: the .cu files are compiled as C++ with this header in the
// place of CUDA's, and the kernel table runs through them without a GPU. The threads of a block are fibers that take
// turns, one at a time, at __syncthreads(); blocks come one after the other. Device memory is host memory.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>

#define __global__
#define __device__
#define __host__
#define __shared__ static
#define __launch_bounds__(threads)

struct EmulatedIndex {
  unsigned x = 0;
};
extern EmulatedIndex blockIdx;
extern EmulatedIndex threadIdx;
extern EmulatedIndex gridDim;

// Ends the process with a message when some threads of a block reach a barrier and others return.
void emulate_launch(unsigned blocks, unsigned threads, const std::function<void()>& kernel);
void __syncthreads();

template <typename T, typename U>
T atomicAdd(T* address, U value) {
  const T before = *address;
  *address += value;
  return before;
}
template <typename T>
T atomicMin(T* address, T value) {
  const T before = *address;
  if (value < before) *address = value;
  return before;
}
template <typename T>
T atomicMax(T* address, T value) {
  const T before = *address;
  if (value > before) *address = value;
  return before;
}

inline unsigned __float_as_uint(float x) {
  unsigned bits = 0;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}
inline int __float_as_int(float x) { return static_cast<int>(__float_as_uint(x)); }
using std::signbit;

enum cudaError_t { cudaSuccess };
enum cudaMemcpyKind { cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice };
using cudaStream_t = void*;
using cudaEvent_t = void*;
struct cudaDeviceProp {
  char name[16];
  int major;
  int minor;
};

inline const char* cudaGetErrorString(cudaError_t /*status*/) { return ""; }
inline cudaError_t cudaGetLastError() { return cudaSuccess; }
cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device);
cudaError_t cudaMalloc(void** data, size_t bytes);
cudaError_t cudaFree(void* data);
cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind);
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream = nullptr);
inline cudaError_t cudaStreamCreate(cudaStream_t* /*stream*/) { return cudaSuccess; }
inline cudaError_t cudaStreamDestroy(cudaStream_t /*stream*/) { return cudaSuccess; }
inline cudaError_t cudaStreamSynchronize(cudaStream_t /*stream*/) { return cudaSuccess; }
cudaError_t cudaMemsetAsync(void* to, int value, size_t bytes, cudaStream_t stream);
inline cudaError_t cudaEventCreate(cudaEvent_t* /*event*/) { return cudaSuccess; }
inline cudaError_t cudaEventDestroy(cudaEvent_t /*event*/) { return cudaSuccess; }
inline cudaError_t cudaEventRecord(cudaEvent_t /*event*/) { return cudaSuccess; }
inline cudaError_t cudaEventSynchronize(cudaEvent_t /*event*/) { return cudaSuccess; }
inline cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t /*begin*/, cudaEvent_t /*end*/) {
  *milliseconds = 1.0F;
  return cudaSuccess;
}
