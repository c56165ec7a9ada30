// SPDX-License-Identifier: Apache-2.0
// PNG through libpng. Its errors come back by longjmp: only trivially destructible objects live in a frame that it
// leaves.
#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstring>

#include "base/fail.h"
#include "data/codec.h"

namespace carat {
namespace {

// Deflate gives at most 1,032 bytes per byte, a byte holds at most eight pixels.
constexpr int64_t kPixelsPerByte = 8 * 1032;

struct Source {
  Bytes file;
  size_t at;
  char message[128];
};

void read_some(png_structp png, png_bytep to, size_t count) {
  auto& source = *static_cast<Source*>(png_get_io_ptr(png));
  if (source.file.size() - source.at < count) png_error(png, "the end of the file");
  std::memcpy(to, source.file.data() + source.at, count);
  source.at += count;
}

[[noreturn]] void leave(png_structp png, png_const_charp message) {
  auto& source = *static_cast<Source*>(png_get_error_ptr(png));
  std::snprintf(source.message, sizeof source.message, "%s", message);
  png_longjmp(png, 1);
}

void ignore(png_structp, png_const_charp) {}

class Decoder {
 public:
  Decoder(Bytes file, std::string where) : where_(std::move(where)), source_{file, 0, {}} {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, &source_, leave, ignore);
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
  }
  ~Decoder() { png_destroy_read_struct(&png_, &info_, nullptr); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  Image whole() {
    require(info_ != nullptr, "{}: libpng cannot start", where_);
    guarded([this] {
      png_set_read_fn(png_, &source_, read_some);
      png_set_crc_action(png_, PNG_CRC_ERROR_QUIT, PNG_CRC_WARN_DISCARD);
      png_read_info(png_, info_);
    });
    const auto height = static_cast<int64_t>(png_get_image_height(png_, info_));
    const auto width = static_cast<int64_t>(png_get_image_width(png_, info_));
    check_size(where_, height, width, kPixelsPerByte * static_cast<int64_t>(source_.file.size()));
    const bool is_deep_grey =
        png_get_bit_depth(png_, info_) == 16 && png_get_color_type(png_, info_) == PNG_COLOR_TYPE_GRAY;
    guarded([this, is_deep_grey] { set_conversions(is_deep_grey); });
    const int64_t channels = is_deep_grey ? 2 : 3;
    require(static_cast<int64_t>(png_get_rowbytes(png_, info_)) == width * channels,
            "{}: expected rows of {} bytes, found {}", where_, width * channels, png_get_rowbytes(png_, info_));
    Image image(height, width, channels);
    std::vector<png_bytep> rows;
    for (int64_t y = 0; y < height; ++y) rows.push_back(image.row(y));
    guarded([&] { png_read_image(png_, rows.data()); });
    return is_deep_grey ? clipped_grey(image) : image;
  }

 private:
  template <typename Step>
  void guarded(Step step) {
    if (setjmp(png_jmpbuf(png_)) != 0) fail("{}: expected a whole PNG, found: {}", where_, source_.message);
    step();
  }

  void set_conversions(bool is_deep_grey) {
    png_set_interlace_handling(png_);
    if (!is_deep_grey) {
      png_set_strip_16(png_);
      png_set_palette_to_rgb(png_);
      png_set_expand_gray_1_2_4_to_8(png_);
      png_set_gray_to_rgb(png_);
      png_set_strip_alpha(png_);
    }
    png_read_update_info(png_, info_);
  }

  // Grey of 16 bits as Pillow converts it: min(value, 255).
  static Image clipped_grey(const Image& deep) {
    Image image(deep.height, deep.width, 3);
    const uint8_t* from = deep.pixels.data();
    for (int64_t i = 0; i < deep.height * deep.width; ++i)
      std::fill_n(image.pixels.data() + 3 * i, 3, from[2 * i] != 0 ? uint8_t{255} : from[2 * i + 1]);
    return image;
  }

  std::string where_;
  Source source_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

}  // namespace

Image decode_png(Bytes file, const std::string& where) { return Decoder(file, where).whole(); }

}  // namespace carat
