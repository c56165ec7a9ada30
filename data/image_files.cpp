// SPDX-License-Identifier: Apache-2.0
#include "data/image_files.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <set>

#include "base/fail.h"
#include "base/file.h"
#include "data/center_crop.h"
#include "data/codec.h"
#include "data/resize.h"

namespace carat {
namespace {

class FileReader : public ImageReader {
 public:
  FileReader(const ImageFiles& files, const DataSource& source, const ImageFormat& format)
      : folder_(files.folder),
        names_(files.names),
        format_(format),
        on_bad_image_(source.on_bad_image),
        report_(source.report) {}

  bool read(int64_t index, uint8_t* to) const override {
    return attempt(index, [&](const std::string& path) {
      const std::vector<uint8_t> file = read_bytes(path);
      put(center_crop(decode(file, path), format_), to);
    });
  }

  bool read_box(int64_t index, const ChooseBox& choose, uint8_t* to) const override {
    return attempt(index, [&](const std::string& path) {
      const std::vector<uint8_t> file = read_bytes(path);
      const Decoded decoded = decode_box(file, path, {choose, format_.height, format_.width});
      put(resize(decoded.view(), format_.height, format_.width, Interpolation::bilinear), to);
    });
  }

  bool is_in_memory() const override { return false; }

  void identify(Hasher& hasher) const override {
    hasher.number(format_.channels).number(format_.height).number(format_.width).number(format_.resize);
    hasher.text(name_of(format_.interpolation)).text(on_bad_image_ == OnBadImage::skip ? "skip" : "error");
    for (const std::string& name : names_) {
      std::error_code unreadable;
      const auto size = std::filesystem::file_size(std::filesystem::path(folder_) / name, unreadable);
      hasher.text(name).number(unreadable ? -1 : static_cast<int64_t>(size));
    }
  }

 private:
  // Grey networks get Pillow's L: (19595 r + 38470 g + 7471 b + 2^15) >> 16.
  void put(const Image& image, uint8_t* to) const {
    if (format_.channels == 3) return to_planes(image, to);
    const uint8_t* from = image.pixels.data();
    for (int64_t i = 0; i < image.height * image.width; ++i, from += 3)
      *to++ = static_cast<uint8_t>((19595 * from[0] + 38470 * from[1] + 7471 * from[2] + 0x8000) >> 16);
  }

  template <typename Action>
  bool attempt(int64_t index, const Action& action) const {
    const std::string path = folder_ + "/" + names_[static_cast<size_t>(index)];
    if (on_bad_image_ == OnBadImage::error) {
      action(path);
      return true;
    }
    {
      const std::lock_guard lock(mutex_);
      if (bad_.contains(index)) return false;
    }
    try {
      action(path);
      return true;
    } catch (const Error& error) {
      const std::lock_guard lock(mutex_);
      if (bad_.insert(index).second) tell(fmt::format("skipped: {}", error.what()));
      return false;
    }
  }

  void tell(const std::string& line) const {
    if (report_)
      report_(line);
    else
      fmt::print(stderr, "carat: {}\n", line);
  }

  std::string folder_;
  std::vector<std::string> names_;
  ImageFormat format_;
  OnBadImage on_bad_image_;
  std::function<void(const std::string&)> report_;
  mutable std::mutex mutex_;
  mutable std::set<int64_t> bad_;  // found unreadable and reported
};

}  // namespace

bool is_image_name(const std::string& name) {
  std::string extension = std::filesystem::path(name).extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension == ".jpg" || extension == ".jpeg" || extension == ".png" || extension == ".webp";
}

Dataset dataset_of_files(ImageFiles files, const DataSource& source, ImageFormat format) {
  if (format.height == 0) format = format_for(3, source.size, source.size);
  require(format.channels == 1 || format.channels == 3, "{}: expected a network with 1 or 3 input channels, got {}",
          source.name, format.channels);
  Dataset data;
  data.channels = format.channels;
  data.height = format.height;
  data.width = format.width;
  data.reader = std::make_shared<FileReader>(files, source, format);
  data.labels = std::move(files.labels);
  return data;
}

}  // namespace carat
