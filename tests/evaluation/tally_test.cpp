// SPDX-License-Identifier: Apache-2.0
// Counts by hand.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "evaluation/evaluation.h"
#include "models/graph/builder.h"
#include "tests/support/files.h"

namespace carat {
namespace {

TEST(Tally, CountsTopOneTopFiveAndLoss) {
  Tally tally(7);
  // Image 0: label 2 is the largest. Image 1: label 0 has five larger. Image 2: label 3 ties with 1, which is first.
  const std::vector<float> logits = {0, 1, 5, 1, 0, 0, 0,   //
                                     0, 9, 8, 7, 6, 5, -1,  //
                                     0, 4, 0, 4, 0, 0, 0};
  tally.add(logits, std::vector<int64_t>{2, 0, 3});
  EXPECT_EQ(tally.correct(), 1);
  EXPECT_EQ(tally.correct5(), 2);
  EXPECT_EQ(tally.total(), 3);
  EXPECT_EQ(tally.predictions(), (std::vector<int64_t>{2, 1, 1}));
  // -log softmax: 5 - log(e^5 + 2 e + 4), 0 - log(1 + e^9 + ... + e^5 + e^-1), 4 - log(2 e^4 + 5).
  const double first = std::log(std::exp(5.0) + 2 * std::exp(1.0) + 4) - 5;
  double sum = 1 + std::exp(-1.0);
  for (int i = 5; i <= 9; ++i) sum += std::exp(static_cast<double>(i));
  EXPECT_NEAR(tally.loss(), (first + std::log(sum) + std::log(2 * std::exp(4.0) + 5) - 4) / 3, 1e-12);
  EXPECT_EQ(tally.classes()[1].predicted, 2);
  EXPECT_EQ(tally.classes()[2].correct, 1);
  EXPECT_EQ(tally.classes()[3].correct5, 1);
  EXPECT_EQ(tally.classes()[0].images, 1);
}

TEST(Tally, LargeLogitsDoNotOverflow) {
  Tally tally(2);
  tally.add(std::vector<float>{1e4F, 1e4F}, std::vector<int64_t>{1});
  EXPECT_NEAR(tally.loss(), std::log(2.0), 1e-12);
}

TEST(Tally, RefusesWhatDoesNotFit) {
  Tally tally(2);
  EXPECT_EQ(message_of([&] {
              tally.add(std::vector<float>{1, 2}, std::vector<int64_t>{2});
            }),
            "expected labels below 2, got 2");
  EXPECT_EQ(message_of([&] {
              tally.add(std::vector<float>{1, 2, 3}, std::vector<int64_t>{1});
            }),
            "expected 2 logits of 1 images, got 3");
}

// 8,085 of 10,000: (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n) by hand.
TEST(Wilson, Interval) {
  const Interval interval = wilson_interval(8085, 10000);
  EXPECT_NEAR(interval.low, 0.800665, 1e-5);
  EXPECT_NEAR(interval.high, 0.816095, 1e-5);
  EXPECT_EQ(wilson_interval(0, 10).low, 0.0);
  EXPECT_NEAR(wilson_interval(10, 10).high, 1.0, 1e-15);
  EXPECT_EQ(wilson_interval(0, 0).high, 1.0);
}

// Gives every image the class of its first pixel.
class FirstPixel : public Predictor {
 public:
  FirstPixel() {
    GraphBuilder net("first_pixel");
    net.linear("classifier", net.unary(OpKind::global_avg_pool, "pool", net.input({1, 12, 12})), 10);
    graph_ = net.build();
  }
  const ModelGraph& graph() const override { return graph_; }
  std::vector<float> logits(const std::vector<uint8_t>& pixels, int64_t count) override {
    std::vector<float> result(static_cast<size_t>(count * 10));
    for (int64_t i = 0; i < count; ++i)
      result[static_cast<size_t>(i * 10 + pixels[static_cast<size_t>(i * 144)] % 10)] = 1;
    return result;
  }
  std::string describe() const override { return "test"; }

 private:
  ModelGraph graph_;
};

TEST(Evaluation, ReportsInEveryForm) {
  FirstPixel predictor;
  const Dataset data = open_dataset({.name = "synthetic"}, Split::test, format_of(predictor.graph()));
  int64_t expected = 0;
  std::vector<uint8_t> image(144);
  for (int64_t i = 0; i < 250; ++i) {
    data.read(i, image.data());
    if (image[0] % 10 == data.labels[static_cast<size_t>(i)]) ++expected;
  }
  int64_t last = 0;
  EvaluationReport report = evaluate_images(predictor, data, 250, [&](int64_t done, int64_t) { last = done; });
  EXPECT_EQ(last, 250);
  EXPECT_EQ(report.tally.correct(), expected);
  EXPECT_EQ(report.tally.total(), 250);
  const nlohmann::json json = nlohmann::json::parse(to_json(report));
  EXPECT_EQ(json.at("correct"), expected);
  EXPECT_EQ(json.at("total"), 250);
  for (const char* key : {"correct5", "loss", "images_per_second", "interval95", "preprocessing"})
    EXPECT_TRUE(json.contains(key)) << key;
  const std::string csv = per_class_csv(report);
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 11);
  EXPECT_NE(to_text(report).find("95 % interval"), std::string::npos);
}

TEST(Evaluation, RefusesOtherImagesAndClasses) {
  FirstPixel predictor;
  Dataset data = open_dataset({.name = "synthetic"}, Split::test);
  data.classes = 9;
  EXPECT_EQ(message_of([&] { evaluate_images(predictor, data, 0, [](int64_t, int64_t) {}); }),
            "network first_pixel knows 10 classes, synthetic has 9");
}

// A network with a background class wants labels from 1 on.
TEST(Evaluation, BackgroundClassesShiftTheLabels) {
  const Dataset plain = open_dataset({.name = "synthetic"}, Split::test);
  const Dataset shifted = open_dataset({.name = "synthetic"}, Split::test,
                                       {.channels = 1, .height = 12, .width = 12, .background_classes = 1});
  EXPECT_EQ(shifted.classes, plain.classes + 1);
  EXPECT_EQ(shifted.labels[5], plain.labels[5] + 1);
}

}  // namespace
}  // namespace carat
