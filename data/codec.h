// SPDX-License-Identifier: Apache-2.0
// Image files to RGB, with the results of Pillow's convert("RGB"). The content decides, never the extension.
// Every function throws Error "where: expected ..., found ..." for content that cannot be decoded.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "data/image.h"

namespace carat {

using Bytes = std::span<const uint8_t>;

// No image may have more pixels: 2^28, as large as WebP's largest.
constexpr int64_t kMostPixels = int64_t{1} << 28;

enum class ImageKind { jpeg, png, webp };
ImageKind kind_of(Bytes file, const std::string& where);

Image decode(Bytes file, const std::string& where);

// Part of an image.
struct Decoded {
  Image image;
  Box box;  // in the image

  ImageView view() const { return image.view(box); }
};

struct BoxWanted {
  const ChooseBox& choose;
  int64_t height;  // what the box will be resized to
  int64_t width;
};

// For training: the chosen box alone. A JPEG is decoded at the smallest of the scales 1, 1/2, 1/4, 1/8 at which the box
// is not smaller than wanted, and with simple chroma upsampling: fast, and not Pillow's to the last bit.
Decoded decode_box(Bytes file, const std::string& where, const BoxWanted& wanted);

// Formats: decode() and decode_box() choose among them. No alpha: it is dropped.
// JPEG: grey, YCbCr, RGB; CMYK and YCCK as Adobe stores them, inverted; baseline and progressive.
Image decode_jpeg(Bytes file, const std::string& where);
Decoded decode_jpeg_box(Bytes file, const std::string& where, const BoxWanted& wanted);
// PNG: every colour type and depth; of 16-bit colour the high byte; 16-bit grey becomes min(value, 255).
Image decode_png(Bytes file, const std::string& where);
// WebP: lossy and lossless, not animated.
Image decode_webp(Bytes file, const std::string& where);

// Throws unless a file of this many bytes can hold height x width pixels at `pixels_per_byte`: what a hostile header
// makes us allocate stays in proportion to the file.
void check_size(const std::string& where, int64_t height, int64_t width, int64_t most_pixels);

}  // namespace carat
