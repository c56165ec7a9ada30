// SPDX-License-Identifier: Apache-2.0
// Image files that are damaged, hostile or decoded in part. What whole files decode to is in image_goldens_test.
#include <gtest/gtest.h>

#include <cstring>

#include "base/file.h"
#include "data/codec.h"
#include "data/resize.h"
#include "tests/support/files.h"

namespace carat {
namespace {

std::vector<uint8_t> golden(const std::string& name) {
  return read_bytes(source_folder() + "/tests/golden/images/" + name);
}

std::string refusal(const std::vector<uint8_t>& file) {
  return message_of([&] { decode(file, "a/b.jpg"); });
}

TEST(Decode, RefusesWhatIsNoImage) {
  EXPECT_EQ(refusal({}), "a/b.jpg: expected a JPEG, PNG or WebP image, found an empty file");
  EXPECT_EQ(refusal({'G', 'I', 'F', '8', '9'}),
            "a/b.jpg: expected a JPEG, PNG or WebP image, found content that starts with 47 49 46 38");
  EXPECT_EQ(refusal({0xFF, 0xD8, 0xFF}), "a/b.jpg: expected a whole JPEG, found: JPEG datastream contains no image");
}

TEST(Decode, RefusesEveryTruncation) {
  for (const char* name : {"420.jpg", "progressive.jpg", "cmyk.jpg", "rgb.png", "lossy.webp", "lossless.webp"}) {
    const std::vector<uint8_t> whole = golden(name);
    for (const double share : {0.02, 0.2, 0.5, 0.9}) {
      std::vector<uint8_t> file = whole;
      file.resize(static_cast<size_t>(static_cast<double>(whole.size()) * share));
      EXPECT_NE(refusal(file), "(no error)") << name << " " << share;
    }
  }
  std::vector<uint8_t> half = golden("420.jpg");
  half.resize(half.size() / 2);
  EXPECT_EQ(refusal(half), "a/b.jpg: expected a whole JPEG, found a truncated one");
  half = golden("rgb.png");
  half.resize(half.size() / 2);
  EXPECT_EQ(refusal(half), "a/b.jpg: expected a whole PNG, found: the end of the file");
  half = golden("lossless.webp");
  half.resize(half.size() / 2);
  EXPECT_EQ(refusal(half), "a/b.jpg: expected a whole WebP image, found a truncated or damaged one");
}

// A header that claims more pixels than the file could hold is refused before they are allocated.
TEST(Decode, RefusesHostileSizes) {
  std::vector<uint8_t> jpeg = golden("grey.jpg");
  const std::vector<uint8_t> marker = {0xFF, 0xC0};
  auto frame = std::search(jpeg.begin(), jpeg.end(), marker.begin(), marker.end());
  ASSERT_NE(frame, jpeg.end());
  std::fill(frame + 5, frame + 9, uint8_t{0xEF});
  EXPECT_NE(refusal(jpeg).find("a/b.jpg: expected an image of at most"), std::string::npos) << refusal(jpeg);
  std::vector<uint8_t> png = golden("rgb.png");
  std::fill(png.begin() + 17, png.begin() + 20, uint8_t{0xFF});
  std::fill(png.begin() + 21, png.begin() + 24, uint8_t{0xFF});
  EXPECT_NE(refusal(png), "(no error)");
  EXPECT_EQ(message_of([] { check_size("x", 1 << 15, 1 << 14, int64_t{1} << 40); }),
            "x: expected an image of at most 268435456 pixels, found 32768x16384");
}

// A box of a JPEG is the same part of the whole image, up to the simple upsampling of chroma.
TEST(DecodeBox, GivesThePartOfTheWhole) {
  const std::vector<Box> boxes = {{0, 0, 47, 61}, {5, 7, 20, 31}, {30, 40, 17, 21}, {46, 60, 1, 1}, {0, 33, 47, 5}};
  for (const char* name : {"420.jpg", "422.jpg", "444.jpg", "grey.jpg", "progressive.jpg", "cmyk.jpg", "restart.jpg",
                           "rgb.png", "lossless.webp"}) {
    const std::vector<uint8_t> file = golden(name);
    const Image whole = decode(file, name);
    const bool subsampled = std::strncmp(name, "42", 2) == 0 || *name == 'p' || std::strncmp(name, "re", 2) == 0;
    for (const Box& box : boxes) {
      const Decoded part = decode_box(file, name, {[&](int64_t, int64_t) { return box; }, box.height, box.width});
      const ImageView view = part.view();
      ASSERT_EQ(view.height, box.height);
      ASSERT_EQ(view.width, box.width);
      int64_t largest = 0;
      int64_t sum = 0;
      for (int64_t y = 0; y < box.height; ++y)
        for (int64_t i = 0; i < 3 * box.width; ++i) {
          const int64_t difference = std::abs(view.row(y)[i] - whole.row(box.top + y)[3 * box.left + i]);
          largest = std::max(largest, difference);
          sum += difference;
        }
      if (subsampled)
        EXPECT_LE(sum, 12 * 3 * box.height * box.width) << name << " " << box.top << "," << box.left;
      else
        EXPECT_EQ(largest, 0) << name << " " << box.top << "," << box.left;
    }
  }
}

TEST(DecodeBox, ScalesLargeBoxesDown) {
  const std::vector<uint8_t> file = golden("grey.jpg");
  const auto decoded = [&](int64_t height, int64_t width) {
    return decode_box(file, "grey", {[](int64_t, int64_t) { return Box{0, 0, 47, 61}; }, height, width}).view();
  };
  EXPECT_EQ(decoded(24, 30).height, 47);  // 47 / 2 is less than 24
  EXPECT_EQ(decoded(23, 30).height, 24);
  EXPECT_EQ(decoded(11, 15).height, 12);
  EXPECT_EQ(decoded(5, 7).height, 6);
  EXPECT_EQ(decoded(1, 1).width, 8);
}

TEST(DecodeBox, RefusesABoxOutside) {
  EXPECT_EQ(message_of([] {
              decode_box(golden("grey.jpg"), "grey", {[](int64_t, int64_t) { return Box{0, 1, 47, 61}; }, 8, 8});
            }),
            "expected a box inside 47x61, got 47x61 at 0,1");
}

}  // namespace
}  // namespace carat
