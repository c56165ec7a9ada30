// SPDX-License-Identifier: Apache-2.0
// Properties of augmentation: ranges, nothing at magnitude 0, the same for the same stream, shares that add up.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "data/loader.h"
#include "data/policy.h"
#include "data/random_crop.h"
#include "tests/support/files.h"

namespace carat {
namespace {

Dataset noise(int64_t count, int64_t side) {
  std::vector<uint8_t> pixels(static_cast<size_t>(count * 3 * side * side));
  Random random({5, "noise", "", 0});
  for (uint8_t& value : pixels) value = static_cast<uint8_t>(random.below(256));
  Dataset data;
  data.channels = 3;
  data.height = data.width = side;
  data.classes = 10;
  for (int64_t i = 0; i < count; ++i) data.labels.push_back(static_cast<int32_t>(i % 10));
  data.reader = reader_in_memory(std::move(pixels), 3, side, side);
  return data;
}

std::vector<uint8_t> augmented(const Dataset& data, const Augmentation& how, int64_t index) {
  Random random({1, "train", "augment", index});
  std::vector<uint8_t> image(static_cast<size_t>(data.image_bytes()));
  std::vector<uint8_t> result(image.size());
  EXPECT_TRUE(read_for_training(data, index, how, random, image.data()));
  augment(data, image.data(), how, random, result.data());
  return result;
}

std::vector<uint8_t> original(const Dataset& data, int64_t index) {
  std::vector<uint8_t> image(static_cast<size_t>(data.image_bytes()));
  data.read(index, image.data());
  return image;
}

TEST(Augmentation, NothingOnLeavesImagesAlone) {
  const Dataset data = noise(8, 20);
  for (int64_t i = 0; i < 8; ++i) EXPECT_EQ(augmented(data, {}, i), original(data, i));
}

TEST(Augmentation, EveryKindChangesImagesAndIsDeterministic) {
  const Dataset data = noise(40, 20);
  std::vector<Augmentation> kinds(8);
  kinds[0].random_resized_crop = 0.3;
  kinds[1].auto_augment = "imagenet";
  kinds[2].auto_augment = "cifar10";
  kinds[3].rand_augment_n = 2;
  kinds[4].colour_jitter = 0.4;
  kinds[5].hue_jitter = 0.2;
  kinds[6].random_erasing = 1.0;
  kinds[7].flip = true;
  for (size_t kind = 0; kind < kinds.size(); ++kind) {
    int changed = 0;
    for (int64_t i = 0; i < 40; ++i) {
      const std::vector<uint8_t> result = augmented(data, kinds[kind], i);
      EXPECT_EQ(augmented(data, kinds[kind], i), result);
      if (result != original(data, i)) ++changed;
    }
    EXPECT_GE(changed, 12) << kind;
  }
}

TEST(Augmentation, ErasingLeavesTheRestAndItsSizeIsInRange) {
  const Dataset data = noise(200, 24);
  Augmentation how;
  how.random_erasing = 1.0;
  int64_t erased = 0;
  for (int64_t i = 0; i < 200; ++i) {
    const std::vector<uint8_t> before = original(data, i);
    const std::vector<uint8_t> after = augmented(data, how, i);
    int64_t different = 0;
    for (size_t k = 0; k < 576; ++k) different += before[k] != after[k] ? 1 : 0;
    EXPECT_LE(different, 576 * 0.36);
    erased += different > 0 ? 1 : 0;
  }
  EXPECT_GE(erased, 195);
}

TEST(Policies, StrengthNothingChangesNothing) {
  const Image image = from_planes(original(noise(1, 20), 0).data(), 3, 20, 20);
  for (auto change = Change::identity; change <= Change::posterize;
       change = static_cast<Change>(static_cast<int>(change) + 1)) {
    Image changed = image;
    apply_change(changed, change, magnitude_of(change, 0, 10, image));
    EXPECT_EQ(changed.pixels, image.pixels) << static_cast<int>(change);
  }
  Random random({1, "", "", 0});
  EXPECT_EQ(message_of([&] {
              Image copy = image;
              auto_augment(copy, "svhn", random);
            }),
            "auto_augment: expected none, cifar10 or imagenet, got svhn");
}

TEST(RandomResizedBox, LiesInsideWithLegalAreaAndShape) {
  for (int64_t i = 0; i < 2000; ++i) {
    Random random({1, "", "box", i});
    const int64_t height = 1 + random.below(400);
    const int64_t width = 1 + random.below(400);
    const Box box = random_resized_box(height, width, 0.08, random);
    check_box(box, height, width);
    if (std::min(height, width) < 100) continue;
    const double area = static_cast<double>(box.height * box.width) / static_cast<double>(height * width);
    const double shape = static_cast<double>(box.width) / static_cast<double>(box.height);
    EXPECT_GE(area, 0.07);
    EXPECT_GE(shape, 0.72);
    EXPECT_LE(shape, 1.38);
  }
  Random random({1, "", "thin", 0});
  EXPECT_EQ(random_resized_box(100, 2000, 1.0, random), (Box{0, 933, 100, 133}));
}

TEST(Beta, HasTheRightMeanAndVariance) {
  for (const double alpha : {0.2, 1.0, 4.0}) {
    Random random({1, "", "beta", 0});
    double sum = 0.0;
    double squares = 0.0;
    constexpr int kDraws = 20000;
    for (int i = 0; i < kDraws; ++i) {
      const double x = symmetric_beta(alpha, random);
      ASSERT_TRUE(x >= 0.0 && x <= 1.0);
      sum += x;
      squares += x * x;
    }
    const double mean = sum / kDraws;
    EXPECT_NEAR(mean, 0.5, 0.012);
    EXPECT_NEAR(squares / kDraws - mean * mean, 0.25 / (2.0 * alpha + 1.0), 0.006) << alpha;
  }
}

class Mixes : public testing::Test {
 protected:
  Batch mixed(const Mixing& how, int64_t step) const {
    Batch batch = gather(data_, 0, 6);
    Random random({1, "train", "mix", step});
    mix(data_, how, random, batch);
    return batch;
  }
  const Dataset data_ = noise(6, 16);
  const Batch before_ = gather(data_, 0, 6);
};

TEST_F(Mixes, OffIsNothing) {
  const Batch batch = mixed({}, 0);
  EXPECT_EQ(batch.pixels, before_.pixels);
  EXPECT_TRUE(batch.shares.empty());
}

TEST_F(Mixes, AShareOfTheBatchesStaysAsItIs) {
  int64_t plain = 0;
  for (int64_t step = 0; step < 400; ++step) {
    const Batch batch = mixed({.mixup = 0.4, .cutmix = 0.0, .probability = 0.25}, step);
    ASSERT_EQ(batch.shares.size(), 6U);
    if (batch.shares.front() != 1.0F || batch.pixels != before_.pixels) continue;
    EXPECT_EQ(batch.other_labels, batch.labels);
    ++plain;
  }
  EXPECT_NEAR(static_cast<double>(plain) / 400.0, 0.75, 0.08);
}

TEST_F(Mixes, MixupIsTheRoundedMean) {
  for (int64_t step = 0; step < 20; ++step) {
    const Batch batch = mixed({0.4, 0.0}, step);
    EXPECT_EQ(batch.other_labels, (std::vector<int64_t>{5, 0, 1, 2, 3, 4}));
    ASSERT_EQ(batch.shares.size(), 6U);
    const double share = batch.shares[0];
    for (size_t i = 0; i < batch.pixels.size(); ++i) {
      const size_t other = (i + 5 * 768) % (6 * 768);
      const double exact = share * before_.pixels[i] + (1.0 - share) * before_.pixels[other];
      ASSERT_NEAR(batch.pixels[i], exact, 0.5001);
    }
  }
}

TEST_F(Mixes, CutmixShareIsTheShareOfPixels) {
  int64_t cut = 0;
  for (int64_t step = 0; step < 40; ++step) {
    const Batch batch = mixed({0.0, 1.0}, step);
    int64_t own = 0;
    for (size_t i = 0; i < 256; ++i) {
      const bool is_own = batch.pixels[i] == before_.pixels[i] && batch.pixels[256 + i] == before_.pixels[256 + i] &&
                          batch.pixels[512 + i] == before_.pixels[512 + i];
      own += is_own ? 1 : 0;
      if (!is_own) EXPECT_EQ(batch.pixels[i], before_.pixels[5 * 768 + i]);
    }
    EXPECT_FLOAT_EQ(static_cast<float>(own) / 256.0F, batch.shares[0]);
    cut += own < 256 ? 1 : 0;
  }
  EXPECT_GT(cut, 30);
}

TEST_F(Mixes, TheLoaderGivesTheSameWithAnyThreads) {
  LoaderOptions options;
  options.batch_size = 3;
  options.mixing = {0.2, 1.0};
  options.augmentation.auto_augment = "cifar10";
  options.augmentation.random_resized_crop = 0.4;
  Loader one(data_, options);
  options.threads = 4;
  Loader four(data_, options);
  for (int i = 0; i < 12; ++i) {
    const Batch a = one.next();
    const Batch b = four.next();
    EXPECT_EQ(a.pixels, b.pixels);
    EXPECT_EQ(a.shares, b.shares);
    EXPECT_EQ(a.other_labels, b.other_labels);
  }
}

}  // namespace
}  // namespace carat
