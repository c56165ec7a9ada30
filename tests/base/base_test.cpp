// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <numeric>

#include "base/file.h"
#include "base/half.h"
#include "base/hash.h"
#include "base/parallel.h"
#include "base/random.h"
#include "base/text.h"
#include "tests/support/files.h"

namespace carat {
namespace {

TEST(Hash, SeparatesFields) {
  EXPECT_NE(Hasher().text("ab").text("c").hex(), Hasher().text("a").text("bc").hex());
  EXPECT_EQ(Hasher().text("ab").hex(), Hasher().text("ab").hex());
  EXPECT_EQ(Hasher().hex(), "99aa06d3014798d86001c324468d497f");  // XXH3-128 of nothing, xxHash's own test vector
}

TEST(Random, StreamsAreFixedForever) {
  Random random({1, "train", "order", 0});
  const uint64_t first = random.bits();
  EXPECT_EQ(first, Random({1, "train", "order", 0}).bits());
  EXPECT_NE(first, Random({1, "train", "order", 1}).bits());
  EXPECT_NE(first, Random({1, "trai", "norder", 0}).bits());
}

TEST(Random, MomentsAndPermutation) {
  Random random({7, "", "", 0});
  constexpr int kCount = 100000;
  double uniform = 0.0;
  double normal = 0.0;
  double square = 0.0;
  for (int i = 0; i < kCount; ++i) {
    uniform += random.uniform();
    const double x = random.normal();
    normal += x;
    square += x * x;
  }
  // Five standard errors.
  EXPECT_NEAR(uniform / kCount, 0.5, 5 * 0.2887 / std::sqrt(kCount));
  EXPECT_NEAR(normal / kCount, 0.0, 5 / std::sqrt(kCount));
  EXPECT_NEAR(square / kCount, 1.0, 5 * std::sqrt(2.0 / kCount));
  std::vector<int64_t> order = permutation(1000, random);
  EXPECT_NE(order.front(), order.back());
  std::sort(order.begin(), order.end());
  for (int64_t i = 0; i < 1000; ++i) EXPECT_EQ(order[static_cast<size_t>(i)], i);
}

TEST(Half, EveryCodeComesBack) {
  for (uint32_t code = 0; code < 65536; ++code) {
    const float value = from_half(static_cast<uint16_t>(code));
    if (std::isnan(value)) continue;
    EXPECT_EQ(to_half(value), code);
  }
  EXPECT_EQ(round_to_half(1.0F + 0x1.0p-11F), 1.0F);              // tie to even
  EXPECT_EQ(round_to_half(1.0F + 0x1.8p-10F), 1.0F + 0x1.0p-9F);  // tie to even, upwards
  EXPECT_TRUE(std::isinf(round_to_half(65520.0F)));
  EXPECT_EQ(round_to_half(65519.0F), 65504.0F);
}

TEST(Text, NearestNameAndPatterns) {
  EXPECT_EQ(nearest_name("prunne", {"train", "prune", "pack"}), "prune");
  EXPECT_EQ(nearest_name("elephant", {"train", "prune"}), "");
  EXPECT_TRUE(matches_pattern("block*.conv?", "block1.x.conv2"));
  EXPECT_FALSE(matches_pattern("block*.conv?", "block1.conv"));
  EXPECT_EQ(with_separators(-1234567), "-1,234,567");
  EXPECT_EQ(readable_seconds(75), "1m15s");
}

TEST(File, WritesWholeOrNotAtAll) {
  const TemporaryFolder folder;
  write_atomically(folder / "a/b.txt", "one");
  write_atomically(folder / "a/b.txt", "two");
  EXPECT_EQ(read_text(folder / "a/b.txt"), "two");
  int files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder / "a")) ++files;
  EXPECT_EQ(files, 1);
  EXPECT_NE(message_of([&] { read_text(folder / "none"); }).find("cannot open"), std::string::npos);
  EXPECT_NE(message_of([&] { read_text(folder.text()); }).find("expected a file, got a folder"), std::string::npos);
}

TEST(Parallel, CoversTheRangeAndRethrows) {
  for (const int64_t threads : {1, 2, 5}) {
    std::vector<int> seen(101, 0);
    parallel_ranges(101, threads, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) ++seen[static_cast<size_t>(i)];
    });
    EXPECT_EQ(std::accumulate(seen.begin(), seen.end(), 0), 101);
  }
  EXPECT_THROW(parallel_ranges(4, 2, [](int64_t, int64_t) { throw Error("x"); }), Error);
}

}  // namespace
}  // namespace carat
