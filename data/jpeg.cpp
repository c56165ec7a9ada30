// SPDX-License-Identifier: Apache-2.0
// JPEG through libjpeg-turbo. Its errors come back by longjmp: only trivially destructible objects live in a frame that
// it leaves.
#include <algorithm>
#include <csetjmp>
#include <cstdio>
// jpeglib.h needs size_t and FILE.
#include <jerror.h>
#include <jpeglib.h>

#include "base/fail.h"
#include "data/codec.h"

namespace carat {
namespace {

// A complete Huffman-coded file has at least a bit per 8x8 block of every component.
constexpr int64_t kPixelsPerByte = 1024;
constexpr int kMostScans = 100;

struct ErrorState {
  jpeg_error_mgr manager;
  std::jmp_buf jump;
  bool is_truncated;
  char message[JMSG_LENGTH_MAX];
};

ErrorState& state_of(j_common_ptr info) { return *reinterpret_cast<ErrorState*>(info->err); }

[[noreturn]] void leave(j_common_ptr info) {
  ErrorState& state = state_of(info);
  state.manager.format_message(info, state.message);
  std::longjmp(state.jump, 1);
}

// Level -1 is a warning. Of those only the end of the file in the middle of an image makes it unreadable.
void note(j_common_ptr info, int level) {
  ErrorState& state = state_of(info);
  if (level < 0 && state.manager.msg_code == JWRN_JPEG_EOF) state.is_truncated = true;
}

void count_scans(j_common_ptr info) {
  if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number <= kMostScans) return;
  ERREXIT(info, JERR_NOTIMPL);
}

// Freed also when a constructor that uses it throws.
struct Handle {
  jpeg_decompress_struct info{};
  ~Handle() { jpeg_destroy_decompress(&info); }
};

class Decoder {
 public:
  Decoder(Bytes file, const std::string& where) : where_(where), file_(file) {
    info_.err = jpeg_std_error(&error_.manager);
    error_.manager.error_exit = leave;
    error_.manager.emit_message = note;
    error_.is_truncated = false;
    progress_.progress_monitor = count_scans;
    guarded([this] {
      jpeg_create_decompress(&info_);
      info_.progress = &progress_;
      jpeg_mem_src(&info_, file_.data(), static_cast<unsigned long>(file_.size()));
      jpeg_read_header(&info_, TRUE);
    });
    check_size(where, info_.image_height, info_.image_width, kPixelsPerByte * static_cast<int64_t>(file.size()));
    const int components = info_.num_components;
    require(components == 1 || components == 3 || components == 4,
            "{}: expected a JPEG of 1, 3 or 4 components, found {}", where, components);
    info_.out_color_space = components == 4 ? JCS_CMYK : JCS_RGB;
  }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  int64_t height() const { return info_.image_height; }
  int64_t width() const { return info_.image_width; }

  Image whole() {
    guarded([this] { jpeg_start_decompress(&info_); });
    return rows(info_.output_height);
  }

  Decoded part(const Box& box, const BoxWanted& wanted) {
    int64_t scale = 8;
    while (scale > 1 && (box.height / scale < wanted.height || box.width / scale < wanted.width)) scale /= 2;
    info_.scale_denom = static_cast<unsigned>(scale);
    info_.do_fancy_upsampling = FALSE;
    guarded([this] { jpeg_start_decompress(&info_); });
    const int64_t top = box.top / scale;
    const int64_t left = box.left / scale;
    const int64_t bottom = std::min<int64_t>(info_.output_height, (box.top + box.height + scale - 1) / scale);
    const int64_t right = std::min<int64_t>(info_.output_width, (box.left + box.width + scale - 1) / scale);
    auto first = static_cast<JDIMENSION>(left);
    auto count = static_cast<JDIMENSION>(right - left);
    guarded([&] {
      jpeg_crop_scanline(&info_, &first, &count);
      if (top > 0) jpeg_skip_scanlines(&info_, static_cast<JDIMENSION>(top));
    });
    return {rows(bottom - top), {0, left - first, bottom - top, right - left}};
  }

 private:
  template <typename Step>
  void guarded(Step step) {
    if (setjmp(error_.jump) != 0) fail("{}: expected a whole JPEG, found: {}", where_, error_.message);
    step();
  }

  // The next rows of the output, as RGB.
  Image rows(int64_t count) {
    Image image(count, info_.output_width, info_.output_components);
    guarded([&] {
      for (int64_t y = 0; y < count;) {
        JSAMPROW pointers[16];
        int64_t wanted = 0;
        for (; wanted < 16 && y + wanted < count; ++wanted) pointers[wanted] = image.row(y + wanted);
        y += jpeg_read_scanlines(&info_, pointers, static_cast<JDIMENSION>(wanted));
      }
    });
    require(!error_.is_truncated, "{}: expected a whole JPEG, found a truncated one", where_);
    return image.channels == 4 ? without_black(image) : image;
  }

  // Adobe stores 255 - ink; with the stored c, m, y, k: c' = 255 - c and so on, red = (255 - k') - c' (255 - k') / 255.
  static Image without_black(const Image& inks) {
    Image image(inks.height, inks.width, 3);
    const uint8_t* from = inks.pixels.data();
    uint8_t* to = image.pixels.data();
    for (int64_t i = 0; i < inks.height * inks.width; ++i, from += 4) {
      const int white = from[3];
      for (int c = 0; c < 3; ++c) {
        const int product = (255 - from[c]) * white + 128;
        *to++ = static_cast<uint8_t>(std::max(0, white - (((product >> 8) + product) >> 8)));
      }
    }
    return image;
  }

  std::string where_;
  Bytes file_;
  jpeg_progress_mgr progress_{};
  ErrorState error_;
  Handle handle_;
  jpeg_decompress_struct& info_ = handle_.info;
};

}  // namespace

Image decode_jpeg(Bytes file, const std::string& where) { return Decoder(file, where).whole(); }

Decoded decode_jpeg_box(Bytes file, const std::string& where, const BoxWanted& wanted) {
  Decoder decoder(file, where);
  const Box box = wanted.choose(decoder.height(), decoder.width());
  check_box(box, decoder.height(), decoder.width());
  return decoder.part(box, wanted);
}

}  // namespace carat
