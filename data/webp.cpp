// SPDX-License-Identifier: Apache-2.0
#include <webp/decode.h>

#include "base/fail.h"
#include "data/codec.h"

namespace carat {

Image decode_webp(Bytes file, const std::string& where) {
  WebPBitstreamFeatures features;
  const VP8StatusCode status = WebPGetFeatures(file.data(), file.size(), &features);
  require(status == VP8_STATUS_OK, "{}: expected a whole WebP image, found a damaged header", where);
  require(features.has_animation == 0, "{}: expected a still WebP image, found an animation", where);
  check_size(where, features.height, features.width, kMostPixels);
  Image image(features.height, features.width, 3);
  const uint8_t* decoded = WebPDecodeRGBInto(file.data(), file.size(), image.pixels.data(), image.pixels.size(),
                                             static_cast<int>(image.stride()));
  require(decoded != nullptr, "{}: expected a whole WebP image, found a truncated or damaged one", where);
  return image;
}

}  // namespace carat
