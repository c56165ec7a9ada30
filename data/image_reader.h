// SPDX-License-Identifier: Apache-2.0
// Where a data set's pixels come from: memory, or image files that are decoded when asked for. Safe to call from
// several threads.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/hash.h"
#include "data/image.h"

namespace carat {

class ImageReader {
 public:
  virtual ~ImageReader() = default;

  // Both write uint8 {C, H, W} of the data set's shape. False: unreadable, reported, to be left out (on_bad_image:
  // skip). Throw Error "path: expected ..., found ..." for an unreadable image otherwise.

  // Pixels for evaluation; for files: short side resized, then the centre cut out, as ImageFormat says.
  virtual bool read(int64_t index, uint8_t* to) const = 0;
  // Pixels for training: the chosen part, resized (bilinear, antialiased) to the data set's shape.
  virtual bool read_box(int64_t index, const ChooseBox& choose, uint8_t* to) const = 0;

  // True when read() costs a copy and nothing more.
  virtual bool is_in_memory() const = 0;
  // Feeds what tells these images from others: pixels, or the files' names and sizes.
  virtual void identify(Hasher& hasher) const = 0;
};

// Images of {channels, height, width}, one after the other.
std::shared_ptr<const ImageReader> reader_in_memory(std::vector<uint8_t> pixels, int64_t channels, int64_t height,
                                                    int64_t width);

}  // namespace carat
