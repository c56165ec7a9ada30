// SPDX-License-Identifier: Apache-2.0
// Sums of products along a plane of pixels, SIMD over neighbouring pixels, zero weights skipped:
// acc[q] = sum over taps of code * x[q + offset], q in [0, count). A convolution is one such sum per kernel when the
// image lies in padded planes, one after the other: tap (c, r, s) has the offset c * plane + r * width + s.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace carat {

// Elements that a call may read behind x[count - 1 + largest offset] and write behind acc[count - 1].
inline constexpr int64_t kSumSlack = 256;

struct CodeTap {
  int32_t offset;
  int32_t code;
};

// What a lane holds while a chunk is summed, before the one multiply by its code.
enum class SumLane { uint8, int16 };

// The taps of the kernels of a layer, grouped by code into chunks (int16: by magnitude): x is summed within a chunk,
// and multiplied once.
class SumProgram {
 public:
  // largest_input: largest magnitude of an input code. uint8: inputs 0..largest_input, at most 255; the sums of every
  // kernel fit int16 in any order. int16: products of one input and one code fit int16.
  SumProgram(SumLane lane, int64_t largest_input) : lane_(lane), largest_input_(largest_input) {}

  // The products of one input and one code, and for uint8 the range of a kernel's sums, allow this lane.
  static bool allows(SumLane lane, int64_t largest_input, int64_t largest_code, int64_t largest_sum);

  // The next kernel.
  void add_kernel(std::vector<CodeTap> taps);

  struct Chunk {
    int32_t added;  // end of the offsets that are added; they begin where the chunk before ends
    int32_t end;    // of those that are subtracted, int16 only
    int16_t code;
    int16_t spills;  // int16 sums move to int32 before this chunk
  };
  std::span<const Chunk> chunks(int64_t kernel) const;
  const int32_t* offsets(int64_t kernel) const;
  int64_t kernels() const { return static_cast<int64_t>(first_chunk_.size()) - 1; }
  SumLane lane() const { return lane_; }
  // Some kernel's sums may leave int16.
  bool spills() const { return spills_; }

 private:
  void add_chunk(int32_t code, std::span<const CodeTap> taps, int64_t& held);

  SumLane lane_;
  int64_t largest_input_;
  bool spills_ = false;
  std::vector<Chunk> chunks_;
  std::vector<int32_t> offsets_;
  std::vector<int64_t> first_chunk_ = {0};
  std::vector<int64_t> first_offset_ = {0};
};

// Exact. The program's lane says which; int16 to int16 only where the program does not spill.
void sum_codes(const SumProgram& program, int64_t kernel, const uint8_t* x, int64_t count, int16_t* acc);
void sum_codes(const SumProgram& program, int64_t kernel, const int16_t* x, int64_t count, int32_t* acc);
void sum_codes(const SumProgram& program, int64_t kernel, const int16_t* x, int64_t count, int16_t* acc);

struct FloatTap {
  int32_t offset;
  float weight;
};
// acc[q] = (((0 + w0 * x0) + w1 * x1) + ...), float32 roundings in the order of the taps, never fused.
void sum_floats(std::span<const FloatTap> taps, const float* x, int64_t count, float* acc);

}  // namespace carat
