// SPDX-License-Identifier: Apache-2.0
#include "kernels/launch_cuda.h"
#include "kernels/pack_codes.h"
#include "kernels/scalar/bits.h"

namespace carat {
namespace {

constexpr int kThreads = 256;

// Threads of wide codes write far apart: their words go through shared memory and leave it side by side.
constexpr int kWide = 6;

template <int kBits>
__global__ void __launch_bounds__(kThreads) pack_kernel(const uint8_t* codes, int64_t n, uint8_t* stream) {
  const int64_t end = (static_cast<int64_t>(blockIdx.x) + 1) * kThreads * scalar::kBlockCodes;
  if (kBits >= kWide && end <= n) {
    __shared__ uint32_t words[kThreads * kBits];
    const auto thread = static_cast<int>(threadIdx.x);
    const int64_t own = (static_cast<int64_t>(blockIdx.x) * kThreads + thread) * scalar::kBlockCodes;
    scalar::pack_codes_of_block<kBits>(codes + own, scalar::kBlockCodes,
                                       reinterpret_cast<uint8_t*>(words + thread * kBits));
    __syncthreads();
    auto* to = reinterpret_cast<uint32_t*>(stream) + static_cast<int64_t>(blockIdx.x) * kThreads * kBits;
    for (int i = thread; i < kThreads * kBits; i += kThreads) to[i] = words[i];
    return;
  }
  const int64_t block = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (block * scalar::kBlockCodes < n) scalar::pack_block<kBits>(codes, n, block, stream);
}

template <int kBits>
__global__ void unpack_kernel(const uint8_t* stream, int64_t n, bool is_signed, uint8_t* codes) {
  const int64_t block = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (block * scalar::kBlockCodes < n) scalar::unpack_block<kBits>(stream, n, block, is_signed, codes);
}

int64_t check(const char* kernel, const uint8_t* codes, const uint8_t* stream, int64_t n, int64_t bits) {
  const std::string name = kernel;
  if (bits < 1 || bits > 8) throw Error(name + ": expected 1 to 8 bits, got " + std::to_string(bits));
  if (reinterpret_cast<uintptr_t>(codes) % 16 != 0 || reinterpret_cast<uintptr_t>(stream) % 4 != 0)
    throw Error(name + ": expected codes aligned to 16 bytes and a stream to 4, got other addresses");
  constexpr int64_t kPerBlock = int64_t{kThreads} * scalar::kBlockCodes;
  return (n + kPerBlock - 1) / kPerBlock;
}

// Calls work with the width as a constant.
template <typename Work>
void with_width(int64_t bits, const Work& work) {
  switch (bits) {
    case 1:
      return work(std::integral_constant<int, 1>());
    case 2:
      return work(std::integral_constant<int, 2>());
    case 3:
      return work(std::integral_constant<int, 3>());
    case 4:
      return work(std::integral_constant<int, 4>());
    case 5:
      return work(std::integral_constant<int, 5>());
    case 6:
      return work(std::integral_constant<int, 6>());
    case 7:
      return work(std::integral_constant<int, 7>());
    default:
      return work(std::integral_constant<int, 8>());
  }
}

}  // namespace

void pack_codes_cuda(const uint8_t* codes, int64_t n, int64_t bits, uint8_t* stream, void* cuda_stream) {
  if (n == 0) return;
  const int64_t blocks = check("pack_codes", codes, stream, n, bits);
  with_width(bits, [&](auto width) {
    launch({"pack_codes", blocks, kThreads, cuda_stream}, pack_kernel<decltype(width)::value>, codes, n, stream);
  });
}

void unpack_codes_cuda(const uint8_t* stream, int64_t n, const PackedWidth& width, uint8_t* codes, void* cuda_stream) {
  if (n == 0) return;
  const int64_t blocks = check("unpack_codes", codes, stream, n, width.bits);
  with_width(width.bits, [&](auto bits) {
    launch({"unpack_codes", blocks, kThreads, cuda_stream}, unpack_kernel<decltype(bits)::value>, stream, n,
           width.is_signed, codes);
  });
}

}  // namespace carat
