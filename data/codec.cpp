// SPDX-License-Identifier: Apache-2.0
#include "data/codec.h"

#include <algorithm>
#include <string_view>

#include "base/fail.h"

namespace carat {

ImageKind kind_of(Bytes file, const std::string& where) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  if (text.starts_with("\xFF\xD8\xFF")) return ImageKind::jpeg;
  if (text.starts_with("\x89PNG\r\n\x1A\n")) return ImageKind::png;
  if (text.starts_with("RIFF") && text.size() >= 12 && text.substr(8, 4) == "WEBP") return ImageKind::webp;
  std::string found = file.empty() ? "an empty file" : "content that starts with";
  for (const uint8_t byte : file.subspan(0, std::min<size_t>(4, file.size()))) found += fmt::format(" {:02x}", byte);
  fail("{}: expected a JPEG, PNG or WebP image, found {}", where, found);
}

void check_size(const std::string& where, int64_t height, int64_t width, int64_t most_pixels) {
  const int64_t most = std::min(most_pixels, kMostPixels);
  require(height > 0 && width > 0 && height <= most / width, "{}: expected an image of at most {} pixels, found {}x{}",
          where, most, height, width);
}

Image decode(Bytes file, const std::string& where) {
  switch (kind_of(file, where)) {
    case ImageKind::jpeg:
      return decode_jpeg(file, where);
    case ImageKind::png:
      return decode_png(file, where);
    case ImageKind::webp:
      break;
  }
  return decode_webp(file, where);
}

Decoded decode_box(Bytes file, const std::string& where, const BoxWanted& wanted) {
  if (kind_of(file, where) == ImageKind::jpeg) return decode_jpeg_box(file, where, wanted);
  Decoded decoded;
  decoded.image = decode(file, where);
  decoded.box = wanted.choose(decoded.image.height, decoded.image.width);
  check_box(decoded.box, decoded.image.height, decoded.image.width);
  return decoded;
}

}  // namespace carat
