// SPDX-License-Identifier: Apache-2.0
// LibTorch's CPU memory, kept for the next step: a training step asks for the same sizes every time, and pages that the
// system clears anew cost a quarter of it. Large blocks lie on huge pages where the system has them.
#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <new>

#include "models/net/device.h"

namespace carat {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kHeader = 64;
constexpr size_t kPage = size_t{2} << 20;
constexpr size_t kLarge = size_t{256} << 10;  // smaller ones are malloc's

struct Header {
  size_t capacity;  // of the whole block; 0: from malloc
};

// Sizes in eighths of a power of two, so that a free block serves requests a little smaller.
size_t rounded(size_t bytes) {
  const size_t step = std::max<size_t>(size_t{64} << 10, std::bit_floor(bytes) / 8);
  return (bytes + step - 1) / step * step;
}

class Blocks {
 public:
  void* take(size_t bytes) {
    const size_t size = rounded(bytes);
    {
      const std::lock_guard lock(mutex_);
      const auto found = free_.lower_bound(size);
      if (found != free_.end() && found->first <= size + size / 4) {
        const auto latest = std::prev(free_.upper_bound(found->first));  // the one most likely in the cache
        void* block = latest->second;
        free_.erase(latest);
        return block;
      }
    }
    const size_t mapped = (size + kPage - 1) / kPage * kPage;
    void* block = mapped <= 2 * kPage ? std::aligned_alloc(kAlignment, size) : map(mapped);
    if (block == nullptr) throw std::bad_alloc();
    static_cast<Header*>(block)->capacity = size;
    return block;
  }

  void give(void* block) {
    const std::lock_guard lock(mutex_);
    free_.emplace(static_cast<Header*>(block)->capacity, block);
  }

 private:
  // Aligned to huge pages: one more than needed, its ends given back.
  static void* map(size_t bytes) {
    void* whole = mmap(nullptr, bytes + kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (whole == MAP_FAILED) return nullptr;
    const auto start = reinterpret_cast<uintptr_t>(whole);
    const uintptr_t aligned = (start + kPage - 1) / kPage * kPage;
    if (aligned > start) munmap(whole, aligned - start);
    if (start + kPage > aligned) munmap(reinterpret_cast<void*>(aligned + bytes), start + kPage - aligned);
    void* block = reinterpret_cast<void*>(aligned);
    madvise(block, bytes, MADV_HUGEPAGE);
    return block;
  }

  std::mutex mutex_;
  std::multimap<size_t, void*> free_;
};

Blocks& blocks() {
  static Blocks* all = new Blocks;  // outlives every tensor
  return *all;
}

class CachingAllocator : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    if (bytes == 0) return {nullptr, c10::Device(c10::kCPU)};
    void* block = nullptr;
    if (bytes + kHeader < kLarge) {
      block = std::aligned_alloc(kAlignment, (bytes + kHeader + kAlignment - 1) / kAlignment * kAlignment);
      if (block == nullptr) throw std::bad_alloc();
      static_cast<Header*>(block)->capacity = 0;
    } else {
      block = blocks().take(bytes + kHeader);
    }
    void* data = static_cast<char*>(block) + kHeader;
    return {data, data, &release, c10::Device(c10::kCPU)};
  }

  c10::DeleterFnPtr raw_deleter() const override { return &release; }

  void copy_data(void* to, const void* from, std::size_t bytes) const override { std::memcpy(to, from, bytes); }

 private:
  static void release(void* data) {
    if (data == nullptr) return;
    void* block = static_cast<char*>(data) - kHeader;
    if (static_cast<Header*>(block)->capacity == 0)
      std::free(block);
    else
      blocks().give(block);
  }
};

}  // namespace

void keep_freed_memory() {
  static CachingAllocator* allocator = new CachingAllocator;
  constexpr uint8_t kPriority = 1;
  c10::SetCPUAllocator(allocator, kPriority);
}

}  // namespace carat
