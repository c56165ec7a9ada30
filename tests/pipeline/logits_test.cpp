// SPDX-License-Identifier: Apache-2.0
// The zoo's networks give PyTorch's logits: same weights, same real images (tools/make_logit_goldens.py).
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <sstream>

#include "base/file.h"
#include "data/dataset.h"
#include "models/net/network.h"
#include "models/zoo/zoo.h"
#include "tests/support/files.h"
#include "tests/support/patterned.h"

namespace carat {
namespace {

constexpr int64_t kImages = 2;
constexpr int64_t kQuickMults = 400'000'000;  // larger networks are left to the full test

std::string golden_file(const std::string& variant) {
  return source_folder() + "/tests/golden/logits/" + variant + ".txt";
}

// The first images of CIFAR-100's test set, pixel (y, x) being pixel (y * 32 / height, x * 32 / width) of the image.
at::Tensor enlarged_images(const Shape& input) {
  static const Dataset data = open_dataset({.name = "cifar100"}, Split::test);
  std::vector<uint8_t> image(static_cast<size_t>(data.image_bytes()));
  at::Tensor pixels = at::empty({kImages, input.channels, input.height, input.width}, at::kByte);
  uint8_t* target = pixels.data_ptr<uint8_t>();
  for (int64_t n = 0; n < kImages; ++n) {
    data.read(n, image.data());
    for (int64_t c = 0; c < input.channels; ++c)
      for (int64_t y = 0; y < input.height; ++y)
        for (int64_t x = 0; x < input.width; ++x) {
          const int64_t row = y * data.height / input.height;
          const int64_t column = x * data.width / input.width;
          *target++ = image[static_cast<size_t>((c * data.height + row) * data.width + column)];
        }
  }
  return pixels;
}

// A comment line, then one line of logits for each image.
std::vector<std::vector<double>> read_golden(const std::string& variant) {
  std::istringstream lines(read_text(golden_file(variant)));
  std::vector<std::vector<double>> golden;
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    std::istringstream cells(line);
    golden.emplace_back(std::istream_iterator<double>(cells), std::istream_iterator<double>());
  }
  return golden;
}

// Largest difference over the largest magnitude.
double relative_difference(const at::Tensor& logits, const std::vector<std::vector<double>>& golden) {
  double difference = 0.0;
  double magnitude = 0.0;
  for (int64_t n = 0; n < kImages; ++n) {
    const std::vector<double>& expected = golden[static_cast<size_t>(n)];
    for (size_t i = 0; i < expected.size(); ++i) {
      const double value = logits[n][static_cast<int64_t>(i)].item<double>();
      if (!std::isfinite(value)) return INFINITY;
      difference = std::max(difference, std::abs(value - expected[i]));
      magnitude = std::max(magnitude, std::abs(expected[i]));
    }
  }
  return difference / magnitude;
}

void expect_logits(bool is_quick) {
  if (std::getenv("CARAT_DATA") == nullptr) GTEST_SKIP() << "CARAT_DATA is not set";
  const torch::NoGradGuard no_grad;
  int64_t networks = 0;
  for (const ZooEntry& entry : zoo())
    for (const ZooVariant& variant : entry.variants) {
      if (!std::filesystem::exists(golden_file(variant.name)) || (variant.mults <= kQuickMults) != is_quick) continue;
      const std::vector<std::vector<double>> golden = read_golden(variant.name);
      ASSERT_EQ(static_cast<int64_t>(golden.size()), kImages) << variant.name;
      ASSERT_EQ(golden[1].size(), 100U) << variant.name;
      Network network(patterned_model(build_network(variant).graph), at::kCPU);
      const at::Tensor logits = network.forward(enlarged_images(variant.input), Mode::evaluate);
      ASSERT_EQ(logits.size(1), variant.classes);
      EXPECT_LT(relative_difference(logits, golden), 1e-4) << variant.name;
      ++networks;
    }
  EXPECT_GE(networks, is_quick ? 15 : 10);
}

TEST(Logits, EqualPyTorchs) { expect_logits(true); }

TEST(FullLogits, OfLargeNetworksEqualPyTorchs) { expect_logits(false); }

// Every golden belongs to a network.
TEST(Logits, EveryGoldenIsCompared) {
  for (const auto& file : std::filesystem::directory_iterator(source_folder() + "/tests/golden/logits"))
    EXPECT_NE(zoo_variant(file.path().stem().string()), nullptr) << file.path();
}

}  // namespace
}  // namespace carat
