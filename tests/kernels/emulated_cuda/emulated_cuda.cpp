// SPDX-License-Identifier: Apache-2.0
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include <cuda_runtime.h>
#include <ucontext.h>

EmulatedIndex blockIdx;
EmulatedIndex threadIdx;
EmulatedIndex gridDim;

namespace {

constexpr size_t kStackBytes = 256 << 10;
constexpr size_t kAlignment = 256;

// One thread of a block. Entered once through ucontext, from then on by jumps, which make no system call.
struct Fiber {
  std::unique_ptr<char[]> stack = std::make_unique<char[]>(kStackBytes);
  ucontext_t context = {};
  jmp_buf where = {};
  bool is_started = false;
  bool is_done = false;
};

std::vector<std::unique_ptr<Fiber>> fibers;
jmp_buf scheduler;
ucontext_t never;
Fiber* running = nullptr;
const std::function<void()>* body = nullptr;

void leave() {
  if (_setjmp(running->where) == 0) _longjmp(scheduler, 1);
}

void live() {
  for (;;) {
    (*body)();
    running->is_done = true;
    leave();
  }
}

void resume(unsigned thread) {
  threadIdx.x = thread;
  running = fibers[thread].get();
  if (_setjmp(scheduler) != 0) return;
  if (running->is_started) _longjmp(running->where, 1);
  running->is_started = true;
  getcontext(&running->context);
  running->context.uc_stack.ss_sp = running->stack.get();
  running->context.uc_stack.ss_size = kStackBytes;
  running->context.uc_link = &never;
  makecontext(&running->context, live, 0);
  setcontext(&running->context);
}

void run_block(unsigned threads) {
  for (unsigned thread = 0; thread < threads; ++thread) fibers[thread]->is_done = false;
  for (bool backwards = false;; backwards = !backwards) {
    unsigned done = 0;
    for (unsigned i = 0; i < threads; ++i) {
      const unsigned thread = backwards ? threads - 1 - i : i;
      resume(thread);
      if (fibers[thread]->is_done) ++done;
    }
    if (done == threads) return;
    if (done == 0) continue;
    std::fprintf(stderr, "%u of %u threads returned, the others wait at a barrier\n", done, threads);
    std::abort();
  }
}

}  // namespace

void __syncthreads() { leave(); }

void emulate_launch(unsigned blocks, unsigned threads, const std::function<void()>& kernel) {
  while (fibers.size() < threads) fibers.push_back(std::make_unique<Fiber>());
  body = &kernel;
  gridDim.x = blocks;
  for (blockIdx.x = 0; blockIdx.x < blocks; ++blockIdx.x) run_block(threads);
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int /*device*/) {
  *properties = {"emulated", 0, 0};
  return cudaSuccess;
}
// As many bytes as asked for, so that a sanitizer sees what lies beyond.
cudaError_t cudaMalloc(void** data, size_t bytes) {
  if (posix_memalign(data, kAlignment, bytes) != 0) std::abort();
  return cudaSuccess;
}
cudaError_t cudaFree(void* data) {
  std::free(data);
  return cudaSuccess;
}
cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind /*kind*/) {
  std::memcpy(to, from, bytes);
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t /*stream*/) {
  return cudaMemcpy(to, from, bytes, kind);
}
cudaError_t cudaMemsetAsync(void* to, int value, size_t bytes, cudaStream_t /*stream*/) {
  std::memset(to, value, bytes);
  return cudaSuccess;
}
