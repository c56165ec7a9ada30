// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdlib>
#include <limits>

#include "kernels/sparse_sums.h"

namespace carat {
namespace {

constexpr int64_t kInt16 = std::numeric_limits<int16_t>::max();
constexpr int64_t kUint8 = std::numeric_limits<uint8_t>::max();

}  // namespace

bool SumProgram::allows(SumLane lane, int64_t largest_input, int64_t largest_code, int64_t largest_sum) {
  if (largest_code * largest_input > kInt16) return false;
  return lane == SumLane::int16 || (largest_input <= kUint8 && largest_sum <= kInt16);
}

void SumProgram::add_chunk(int32_t code, std::span<const CodeTap> taps, int64_t& held) {
  const int64_t reach = std::abs(code) * largest_input_ * static_cast<int64_t>(taps.size());
  const bool spills = lane_ == SumLane::int16 && held + reach > kInt16;
  held = spills ? reach : held + reach;
  spills_ = spills_ || spills;
  const auto position = [&] {
    return static_cast<int32_t>(static_cast<int64_t>(offsets_.size()) - first_offset_.back());
  };
  for (const CodeTap& tap : taps)
    if (tap.code == code) offsets_.push_back(tap.offset);
  const int32_t added = position();
  for (const CodeTap& tap : taps)
    if (tap.code != code) offsets_.push_back(tap.offset);
  chunks_.push_back({added, position(), static_cast<int16_t>(code), static_cast<int16_t>(spills ? 1 : 0)});
}

void SumProgram::add_kernel(std::vector<CodeTap> taps) {
  std::erase_if(taps, [](const CodeTap& tap) { return tap.code == 0; });
  const bool by_magnitude = lane_ == SumLane::int16;
  const auto key = [&](const CodeTap& tap) { return by_magnitude ? std::abs(tap.code) : tap.code; };
  std::stable_sort(taps.begin(), taps.end(), [&](const CodeTap& a, const CodeTap& b) { return key(a) < key(b); });
  const int64_t largest = std::max<int64_t>(1, largest_input_);
  int64_t held = 0;
  for (size_t begin = 0; begin < taps.size();) {
    const int64_t code = key(taps[begin]);
    const int64_t limit = std::max<int64_t>(1, by_magnitude ? kInt16 / (largest * code) : kUint8 / largest);
    size_t end = begin;
    while (end < taps.size() && key(taps[end]) == code && static_cast<int64_t>(end - begin) < limit) ++end;
    // The first tap is added: its code is the chunk's.
    add_chunk(taps[begin].code, std::span(taps).subspan(begin, end - begin), held);
    begin = end;
  }
  first_chunk_.push_back(static_cast<int64_t>(chunks_.size()));
  first_offset_.push_back(static_cast<int64_t>(offsets_.size()));
}

std::span<const SumProgram::Chunk> SumProgram::chunks(int64_t kernel) const {
  const auto begin = static_cast<size_t>(first_chunk_[static_cast<size_t>(kernel)]);
  const auto end = static_cast<size_t>(first_chunk_[static_cast<size_t>(kernel) + 1]);
  return std::span(chunks_).subspan(begin, end - begin);
}

const int32_t* SumProgram::offsets(int64_t kernel) const {
  return offsets_.data() + first_offset_[static_cast<size_t>(kernel)];
}

}  // namespace carat
