// SPDX-License-Identifier: Apache-2.0
// Images against what Pillow and torchvision make of them (tools/make_image_goldens.py), to the last bit.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "base/file.h"
#include "data/center_crop.h"
#include "data/codec.h"
#include "data/colour_ops.h"
#include "data/policy.h"
#include "data/resize.h"
#include "tests/support/files.h"

namespace carat {
namespace {

// FNV-1a, 64 bits.
std::string checksum(const Image& image) {
  uint64_t value = 0xCBF29CE484222325ULL;
  for (int64_t i = 0; i < image.height * image.stride(); ++i)
    value = (value ^ image.pixels[static_cast<size_t>(i)]) * 0x100000001B3ULL;
  return fmt::format("{:016x}", value);
}

Image pattern(int64_t height, int64_t width, int64_t channels) {
  Image image(height, width, channels);
  uint64_t state = 1;
  uint8_t* to = image.pixels.data();
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      for (int64_t c = 0; c < channels; ++c) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        const int64_t tile = (x / 9 + y / 7) % 2 != 0 ? 90 : 0;
        *to++ = static_cast<uint8_t>((y * (3 + c) + x * (5 - c) + static_cast<int64_t>(state >> 58) + tile) % 230 + 10);
      }
  return image;
}

// The lines of a file of goldens that start with a word, each as words; an empty word takes all lines.
std::vector<std::vector<std::string>> goldens(const std::string& file, const std::string& first) {
  std::istringstream text(read_text(source_folder() + "/tests/golden/" + file));
  std::vector<std::vector<std::string>> lines;
  for (std::string line; std::getline(text, line);) {
    std::istringstream words(line);
    std::vector<std::string> found;
    for (std::string word; words >> word;) found.push_back(word);
    if (found[0] != "#" && (first.empty() || found[0] == first)) lines.push_back(found);
  }
  return lines;
}

int64_t number(const std::string& word) { return std::stoll(word); }

TEST(Goldens, Resize) {
  const auto lines = goldens("image_ops.txt", "resize");
  ASSERT_EQ(lines.size(), 60U);
  for (const auto& line : lines) {
    const Image image = pattern(61, 83, number(line[1]));
    const Interpolation how = interpolation_named(line[2]);
    const int64_t height = number(line[3]);
    const int64_t width = number(line[4]);
    const Image whole = resize(image.view(), height, width, how);
    EXPECT_EQ(checksum(whole), line[5]) << line[1] << " " << line[2] << " " << height << "x" << width;
    // A part is what would be cut out of the whole.
    const Box part{height / 3, width / 4, (height + 1) / 2, (width + 1) / 2};
    const Image cut = resize(image.view(), {height, width, part, how});
    for (int64_t y = 0; y < part.height; ++y)
      EXPECT_TRUE(
          std::equal(cut.row(y), cut.row(y) + cut.stride(), whole.row(part.top + y) + part.left * whole.channels));
  }
}

TEST(Goldens, CenterCrop) {
  const auto lines = goldens("image_ops.txt", "crop");
  ASSERT_EQ(lines.size(), 6U);
  for (const auto& line : lines) {
    const int64_t side = number(line[4]);
    const ImageFormat format{3, side, side, number(line[3]), interpolation_named(line[5])};
    EXPECT_EQ(checksum(center_crop(pattern(number(line[1]), number(line[2]), 3), format)), line[6])
        << line[1] << "x" << line[2] << " to " << line[3] << ", " << side << " " << line[5];
  }
}

TEST(Goldens, ChangesAtEveryMagnitude) {
  const std::map<std::string, Change> changes = {
      {"identity", Change::identity},         {"shear_x", Change::shear_x},         {"shear_y", Change::shear_y},
      {"translate_x", Change::translate_x},   {"translate_y", Change::translate_y}, {"rotate", Change::rotate},
      {"brightness", Change::brightness},     {"colour", Change::colour},           {"contrast", Change::contrast},
      {"sharpness", Change::sharpness},       {"posterize", Change::posterize},     {"solarize", Change::solarize},
      {"autocontrast", Change::autocontrast}, {"equalize", Change::equalize},       {"invert", Change::invert}};
  const auto lines = goldens("image_ops.txt", "change");
  ASSERT_GT(lines.size(), 600U);
  for (const auto& line : lines) {
    Image image = pattern(61, 83, number(line[1]));
    const Change change = changes.at(line[2]);
    const double magnitude = magnitude_of(change, number(line[3]), number(line[4]), image);
    apply_change(image, change, static_cast<double>(number(line[5])) * magnitude);
    EXPECT_EQ(checksum(image), line[6]) << line[2] << " level " << line[3] << " of " << line[4] << ", sign " << line[5]
                                        << ", " << line[1] << " channels";
  }
}

TEST(Goldens, Hue) {
  const auto lines = goldens("image_ops.txt", "hue");
  ASSERT_EQ(lines.size(), 7U);
  for (const auto& line : lines) {
    Image image = pattern(61, 83, 3);
    change_hue(image, std::stod(line[1]));
    EXPECT_EQ(checksum(image), line[2]) << line[1];
  }
}

TEST(Goldens, FilesOfEveryKind) {
  const auto lines = goldens("images.txt", "");
  ASSERT_EQ(lines.size(), 19U);
  for (const auto& line : lines) {
    const std::string path = source_folder() + "/tests/golden/images/" + line[0];
    EXPECT_EQ(checksum(decode(read_bytes(path), path)), line[1]) << line[0];
  }
}

TEST(Goldens, EvaluationPixelsOfRealImages) {
  const char* data = std::getenv("CARAT_DATA");
  if (data == nullptr || !std::filesystem::exists(std::string(data) + "/imagenet-calib-1000"))
    GTEST_SKIP() << "CARAT_DATA with imagenet-val-1300 and imagenet-calib-1000 is not set";
  const auto lines = goldens("evaluation_pixels.txt", "");
  ASSERT_EQ(lines.size(), 100U);
  int64_t equal = 0;
  for (const auto& line : lines) {
    const std::string path = std::string(data) + "/" + line[0];
    const ImageFormat format{3, 224, 224, number(line[2]), interpolation_named(line[1])};
    const Image image = center_crop(decode(read_bytes(path), path), format);
    double sum = 0.0;
    for (int64_t i = 0; i < image.height * image.stride(); ++i) sum += image.pixels[static_cast<size_t>(i)];
    EXPECT_NEAR(sum / static_cast<double>(image.height * image.stride()), std::stod(line[4]), 1e-6) << line[0];
    if (checksum(image) == line[3]) ++equal;
  }
  EXPECT_EQ(equal, 100);
}

}  // namespace
}  // namespace carat
