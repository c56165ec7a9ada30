// SPDX-License-Identifier: Apache-2.0
// Our side of the benchmark jpeg_pipeline (see jpeg_pipeline.py).
//   jpeg_pipeline pixels FOLDER COUNT FILE   evaluation pixels (short side 256, centre 224) of the first files, raw
//   jpeg_pipeline time FOLDER SEED           images per second of one pass: read, decode, random resized crop to 224,
//                                            flip, normalise to float32; one thread
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "base/error.h"
#include "base/file.h"
#include "base/random.h"
#include "data/center_crop.h"
#include "data/codec.h"
#include "data/image_list.h"
#include "data/random_crop.h"
#include "data/resize.h"

namespace carat {
namespace {

constexpr int64_t kSide = 224;
constexpr double kMean[3] = {0.485, 0.456, 0.406};
constexpr double kDeviation[3] = {0.229, 0.224, 0.225};

void write_pixels(const std::string& folder, size_t count, const char* file) {
  std::ofstream out(file, std::ios::binary);
  std::vector<std::string> names = image_names(folder);
  names.resize(std::min(count, names.size()));
  for (const std::string& name : names) {
    const std::string path = folder + "/" + name;
    const Image image = center_crop(decode(read_bytes(path), path), {3, kSide, kSide, 256, Interpolation::bilinear});
    out.write(reinterpret_cast<const char*>(image.pixels.data()), kSide * kSide * 3);
  }
}

// {3, 224, 224}: (code / 255 - mean) / deviation, mirrored or not.
void normalise(const Image& image, bool mirrored, float* to) {
  static const std::vector<float> table = [] {
    std::vector<float> values;
    for (int c = 0; c < 3; ++c)
      for (int code = 0; code < 256; ++code)
        values.push_back(static_cast<float>((code / 255.0 - kMean[c]) / kDeviation[c]));
    return values;
  }();
  const float* red = table.data();
  for (int64_t y = 0; y < kSide; ++y) {
    const uint8_t* from = image.row(y) + (mirrored ? 3 * (kSide - 1) : 0);
    const int64_t step = mirrored ? -3 : 3;
    for (int64_t x = 0; x < kSide; ++x, from += step, ++to) {
      to[0] = red[from[0]];
      to[kSide * kSide] = red[256 + from[1]];
      to[2 * kSide * kSide] = red[512 + from[2]];
    }
  }
}

double images_per_second(const std::string& folder, int64_t seed) {
  const std::vector<std::string> names = image_names(folder);
  std::vector<float> result(3 * kSide * kSide);
  double sum = 0.0;
  const auto start = std::chrono::steady_clock::now();
  for (size_t i = 0; i < names.size(); ++i) {
    Random random({seed, "bench", "augment", static_cast<int64_t>(i)});
    const std::string path = folder + "/" + names[i];
    const ChooseBox choose = [&](int64_t height, int64_t width) {
      return random_resized_box(height, width, 0.08, random);
    };
    const Decoded decoded = decode_box(read_bytes(path), path, {choose, kSide, kSide});
    normalise(resize(decoded.view(), kSide, kSide, Interpolation::bilinear), random.below(2) == 1, result.data());
    sum += static_cast<double>(result[0]);
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (sum == 0.125) std::puts("");  // keeps the results
  return static_cast<double>(names.size()) / seconds;
}

}  // namespace
}  // namespace carat

int main(int argc, char** argv) {
  try {
    if (argc == 5 && std::strcmp(argv[1], "pixels") == 0)
      carat::write_pixels(argv[2], std::strtoul(argv[3], nullptr, 10), argv[4]);
    else if (argc == 4 && std::strcmp(argv[1], "time") == 0)
      std::printf("%.3f\n", carat::images_per_second(argv[2], std::atoll(argv[3])));
    else
      return 2;
  } catch (const carat::Error& error) {
    std::fprintf(stderr, "jpeg_pipeline: %s\n", error.what());
    return 1;
  }
  return 0;
}
