// SPDX-License-Identifier: Apache-2.0
// Any bytes as a JPEG or PNG file, decoded whole and in parts as training does. What is not a PNG becomes a JPEG.
#include <cstdint>
#include <vector>

#include "base/error.h"
#include "data/codec.h"
#include "data/resize.h"

namespace {

// Enough for libjpeg's corners, small enough for many executions a second.
constexpr int64_t kMostPixels = 1 << 20;

bool is_small(const std::vector<uint8_t>& file) {
  if (file[0] == 0x89) {
    if (file.size() < 24) return true;
    const auto side = [&](size_t at) {
      return int64_t{file[at]} * 16777216 + file[at + 1] * 65536 + file[at + 2] * 256 + file[at + 3];
    };
    return side(16) < 65536 && side(20) < 65536 && side(16) * side(20) <= kMostPixels;
  }
  int64_t pixels = 0;
  const carat::ChooseBox look = [&](int64_t height, int64_t width) -> carat::Box {
    pixels = height * width;
    throw carat::Error("only the size is wanted");
  };
  try {
    carat::decode_box(file, "fuzz", {look, 1, 1});
  } catch (const carat::Error&) {  // the one legal way out
  }
  return pixels <= kMostPixels;
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 4) return 0;
  std::vector<uint8_t> file(data, data + size);
  if (file[0] != 0x89) file[0] = 0xFF, file[1] = 0xD8, file[2] = 0xFF;
  if (!is_small(file)) return 0;
  const uint8_t pick = data[size - 1];
  try {
    carat::decode(file, "fuzz");
  } catch (const carat::Error&) {  // the one legal way out
  }
  try {
    const carat::ChooseBox choose = [&](int64_t height, int64_t width) -> carat::Box {
      const int64_t top = pick % height;
      const int64_t left = pick / 2 % width;
      return {top, left, (height - top + 1) / 2, width - left};
    };
    const carat::Decoded decoded = carat::decode_box(file, "fuzz", {choose, 1 + pick % 16, 1 + pick % 24});
    carat::resize(decoded.view(), 8, 8, carat::Interpolation::bilinear);
  } catch (const carat::Error&) {  // the one legal way out
  }
  return 0;
}
