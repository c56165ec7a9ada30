// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "data/image_reader.h"
#include "data/resize.h"

namespace carat {
namespace {

class MemoryReader : public ImageReader {
 public:
  MemoryReader(std::vector<uint8_t> pixels, int64_t channels, int64_t height, int64_t width)
      : pixels_(std::move(pixels)), channels_(channels), height_(height), width_(width) {}

  bool read(int64_t index, uint8_t* to) const override {
    const auto bytes = static_cast<size_t>(channels_ * height_ * width_);
    std::memcpy(to, pixels_.data() + static_cast<size_t>(index) * bytes, bytes);
    return true;
  }
  bool read_box(int64_t index, const ChooseBox& choose, uint8_t* to) const override {
    const Image image = from_planes(pixels_.data() + index * channels_ * height_ * width_, channels_, height_, width_);
    const Box box = choose(height_, width_);
    check_box(box, height_, width_);
    to_planes(resize(image.view(box), height_, width_, Interpolation::bilinear), to);
    return true;
  }
  bool is_in_memory() const override { return true; }
  void identify(Hasher& hasher) const override { hasher.bytes(pixels_.data(), pixels_.size()); }

 private:
  std::vector<uint8_t> pixels_;
  int64_t channels_, height_, width_;
};

}  // namespace

std::shared_ptr<const ImageReader> reader_in_memory(std::vector<uint8_t> pixels, int64_t channels, int64_t height,
                                                    int64_t width) {
  return std::make_shared<MemoryReader>(std::move(pixels), channels, height, width);
}

}  // namespace carat
