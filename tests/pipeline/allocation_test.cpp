// SPDX-License-Identifier: Apache-2.0
// Sparsities by layer, against hand counts and optima found by trying everything.
#include "stages/allocation.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "models/graph/builder.h"
#include "models/zoo/zoo.h"
#include "stages/efficient_steps.h"
#include "stages/width_allocation.h"
#include "tests/support/files.h"

namespace carat {
namespace {

// 8 kernels of 3 x 3 x 3 on 8 x 8 pixels, the same on 2 x 2, a classifier.
ModelGraph small_network() {
  GraphBuilder net("small");
  std::string x = net.conv("early", net.input({3, 8, 8}), {.out_channels = 8, .kernel = 3});
  x = net.unary(OpKind::relu, "relu", net.batch_norm("norm", x));
  x = net.conv("late", x, {.out_channels = 8, .kernel = 3, .stride = 4});
  x = net.unary(OpKind::relu, "relu2", net.batch_norm("norm2", x));
  net.linear("classifier", net.unary(OpKind::global_avg_pool, "pool", x), 10);
  return net.build();
}

std::vector<AllocationLayer> layers_of(const ModelGraph& graph, double highest) {
  std::vector<AllocationLayer> layers;
  for (const std::string& name : graph.weight_layers())
    layers.push_back({name, graph.weight_count(graph.layer(name)), 0.0, highest});
  return layers;
}

// Rise slope * s^2 at 0.1 .. 0.9, as sensitivity measures it.
SensitivityCurves curves_with(const std::map<std::string, double>& slopes) {
  SensitivityCurves curves;
  curves.dense_loss = 1.0;
  for (const auto& [layer, slope] : slopes)
    for (int i = 1; i <= 9; ++i) curves.layers[layer].push_back({0.1 * i, 1.0 + slope * 0.01 * i * i});
  return curves;
}

double total_rise(const SensitivityCurves& curves, const std::map<std::string, double>& allocation) {
  double sum = 0.0;
  for (const auto& [layer, sparsity] : allocation) sum += rise_at(curves, layer, sparsity);
  return sum;
}

double overall(const std::vector<AllocationLayer>& layers, const std::map<std::string, double>& allocation) {
  double zeros = 0.0;
  double weights = 0.0;
  for (const AllocationLayer& layer : layers) {
    zeros += allocation.at(layer.name) * static_cast<double>(layer.weights);
    weights += static_cast<double>(layer.weights);
  }
  return zeros / weights;
}

const Track& track() {
  static const Track norm{"custom", 1000, 10000, 0, 1, {}, "", ""};
  return norm;
}

TEST(Erk, DensityFollowsTheSidesAndIsCapped) {
  const ModelGraph graph = small_network();
  const auto layers = layers_of(graph, 1.0);
  const auto allocation = allocate_erk(layers, graph, 0.8);
  EXPECT_NEAR(overall(layers, allocation), 0.8, 1e-9);
  // Sides over weights: early 17 / 216, late 22 / 576, classifier 18 / 80. 174.4 weights stay; the classifier would
  // keep eps * 18 = 174.4 / 57 * 18 = 55.07 of 80: nobody is capped.
  const double eps = 174.4 / 57.0;
  EXPECT_NEAR(1.0 - allocation.at("early"), eps * 17 / 216, 1e-9);
  EXPECT_NEAR(1.0 - allocation.at("late"), eps * 22 / 576, 1e-9);
  EXPECT_NEAR(1.0 - allocation.at("classifier"), eps * 18 / 80, 1e-9);
  // 436 stay: eps * 18 = 137 > 80, the classifier is dense and 356 = eps * 39 go to the others.
  const auto capped = allocate_erk(layers, graph, 0.5);
  EXPECT_NEAR(capped.at("classifier"), 0.0, 1e-9);
  EXPECT_NEAR(1.0 - capped.at("early"), 356.0 / 39 * 17 / 216, 1e-9);
  EXPECT_NEAR(1.0 - capped.at("late"), 356.0 / 39 * 22 / 576, 1e-9);
  EXPECT_EQ(
      message_of([&] { allocate_erk(layers_of(graph, 0.6), graph, 0.7); }),
      "prune: target_sparsity 0.7 is out of reach, the layers' bounds and measured sparsities allow 0.6000 at most");
}

TEST(RiseAt, InterpolatesTheMonotoneCurve) {
  SensitivityCurves curves;
  curves.dense_loss = 1.0;
  curves.layers["a"] = {{0.2, 0.9}, {0.4, 1.2}, {0.6, 1.1}};
  EXPECT_NEAR(rise_at(curves, "a", 0.1), 0.0, 1e-12);
  EXPECT_NEAR(rise_at(curves, "a", 0.3), 0.1, 1e-12);
  EXPECT_NEAR(rise_at(curves, "a", 0.6), 0.2, 1e-12);
  EXPECT_EQ(message_of([&] { rise_at(curves, "a", 0.7); }),
            "prune: layer a: expected a sparsity up to 0.6, the largest that sensitivity measured, got 0.7");
  EXPECT_EQ(message_of([&] { rise_at(curves, "b", 0.1); }), "prune: sensitivity measured no layer b");
}

TEST(EfficientSteps, TakeTheEnvelopeBestFirst) {
  // The middle option of layer 0 lies below the line from its first to its last.
  const auto steps = efficient_steps({{{0, 0, 0}, {0.5, 1, 2}, {0.9, 6, 3}}, {{0, 0, 0}, {0.5, 3, 1}, {0.9, 4, 4}}});
  ASSERT_EQ(steps.size(), 3);
  EXPECT_EQ(steps[0].layer, 1);
  EXPECT_EQ(steps[0].to.sparsity, 0.5);
  EXPECT_EQ(steps[1].layer, 0);
  EXPECT_EQ(steps[1].to.sparsity, 0.9);
  EXPECT_EQ(steps[2].to.sparsity, 0.9);
}

TEST(AllocateByLoss, IsTheBestOfAllWithTheSameRise) {
  const std::vector<AllocationLayer> layers = {{"a", 100, 0.0, 0.9}, {"b", 300, 0.0, 0.9}};
  const SensitivityCurves curves = curves_with({{"a", 0.5}, {"b", 4.0}});
  const auto allocation = allocate_by_loss(layers, curves, 0.3);
  EXPECT_NEAR(total_rise(curves, allocation), 0.3, 1e-9);
  double best = 0.0;
  for (double a = 0.0; a <= 0.9; a += 0.002)
    for (double b = 0.0; b <= 0.9; b += 0.002)
      if (rise_at(curves, "a", a) + rise_at(curves, "b", b) <= 0.3)
        best = std::max(best, overall(layers, {{"a", a}, {"b", b}}));
  EXPECT_NEAR(overall(layers, allocation), best, 0.003);
  EXPECT_GE(overall(layers, allocation), best - 1e-9);
  EXPECT_NEAR(overall(layers, allocate_by_loss(layers, curves, 100.0)), 0.9, 1e-9);
  EXPECT_EQ(message_of([&] {
              allocate_by_loss({{"a", 100, 0.8, 0.8}, {"b", 300, 0.0, 0.9}}, curves, 0.1);
            }),
            "prune: target_rise 0.1 is out of reach, the fixed sparsities alone raise the loss by 0.320000");
}

TEST(PlannedScore, MarginalIsTheHandCount) {
  const ModelGraph graph = small_network();
  const PlannedScore scorer(graph, track(), 4, 8);
  // late reads unsigned 8-bit codes: a kernel with 4 of its 72 weights has 2 additions of 12 bits and one of 13, with 3
  // it has one of each; the product is charged at 8 bits, both at 4 positions, the weight at 4. Scale widths stay.
  const std::map<std::string, double> sparsities = {{"late", 1.0 - 4.0 / 72}};
  const double hand = 4.0 / 32 / 1000 + (8.0 + 12.0) * 4 / 32 / 10000;
  EXPECT_NEAR(scorer.marginal("late", sparsities), hand, 1e-12);
  EXPECT_EQ(scorer.mask_bits("late", 0.5), 576);
  EXPECT_EQ(scorer.stored_bits("late", 0.5), 576 + 288 * 4);
  // A quarter of 4-bit weights pays for the mask exactly: dense.
  EXPECT_EQ(scorer.mask_bits("late", 0.25), 0);
  EXPECT_EQ(scorer.stored_bits("late", 0.25), 576 * 4);
}

TEST(AllocateByScore, ReachesTheTargetWithTheLeastRise) {
  const ModelGraph graph = small_network();
  const auto layers = layers_of(graph, 0.9);
  const PlannedScore scorer(graph, track(), 4, 8);
  const SensitivityCurves curves = curves_with({{"early", 1.0}, {"late", 1.0}, {"classifier", 30.0}});
  const double dense = scorer.score({});
  const double target = 0.6 * dense;
  const auto allocation = allocate_by_score(layers, curves, scorer, target);
  EXPECT_LE(scorer.score(allocation), target);
  // Kernels of 27 weights make it a coarse one.
  EXPECT_GT(scorer.score(allocation), 0.95 * target);
  const double rise = total_rise(curves, allocation);
  double best = 1e9;
  for (int a = 0; a <= 18; ++a)
    for (int b = 0; b <= 18; ++b)
      for (int c = 0; c <= 18; ++c) {
        const std::map<std::string, double> tried = {{"early", 0.05 * a}, {"late", 0.05 * b}, {"classifier", 0.05 * c}};
        if (scorer.score(tried) <= target) best = std::min(best, total_rise(curves, tried));
      }
  EXPECT_LE(rise, best + 1e-9);
  // Cheap for the score, dear for the loss: left dense, without a mask.
  EXPECT_EQ(allocation.at("classifier"), 0.0);
  EXPECT_EQ(scorer.mask_bits("classifier", 0.0), 0);
  EXPECT_GT(allocation.at("early"), allocation.at("late"));
  EXPECT_TRUE(message_of([&] { allocate_by_score(layers, curves, scorer, 0.01 * dense); })
                  .starts_with(fmt::format("prune: target_score {} is out of reach, the layers' bounds and measured "
                                           "sparsities allow ",
                                           0.01 * dense)));
  EXPECT_EQ(message_of([&] {
              allocate_by_score(layers, curves_with({{"early", 1.0}}), scorer, target);
            }),
            "prune: sensitivity measured no layer late");
}

TEST(AllocateByScore, KeepsBounds) {
  const ModelGraph graph = small_network();
  auto layers = layers_of(graph, 0.8);
  layers[0].lowest = layers[0].highest = 0.5;
  const PlannedScore scorer(graph, track(), 4, 8);
  const SensitivityCurves curves = curves_with({{"late", 1.0}, {"classifier", 1.0}});
  const double target = 0.98 * scorer.score({{"early", 0.5}});
  const auto allocation = allocate_by_score(layers, curves, scorer, target);
  EXPECT_EQ(allocation.at("early"), 0.5);
  EXPECT_LE(scorer.score(allocation), target);
  for (const auto& [layer, sparsity] : allocation) EXPECT_LE(sparsity, 0.8) << layer;
}

TEST(AllocateByScore, CostsLessLossThanUniformSparsityWithTheSameScore) {
  const ModelGraph graph = build_network(*zoo_variant("osi_dense")).graph;
  const PlannedScore scorer(graph, track_named("cifar100"), 4, 8);
  std::map<std::string, double> slopes;
  for (const std::string& layer : graph.weight_layers()) {
    const auto number = static_cast<double>(slopes.size());
    slopes[layer] = 0.01 + 0.001 * number;
  }
  const SensitivityCurves curves = curves_with(slopes);
  const std::vector<AllocationLayer> layers = layers_of(graph, 0.9);
  const double target = 0.8 * scorer.score({});
  const auto allocation = allocate_by_score(layers, curves, scorer, target);
  EXPECT_LE(scorer.score(allocation), target);
  EXPECT_GT(scorer.score(allocation), 0.998 * target);
  double sparsity = 0.0;
  while (scorer.score(allocate_uniformly(layers, sparsity)) > target) sparsity += 0.01;
  EXPECT_LT(total_rise(curves, allocation), 0.9 * total_rise(curves, allocate_uniformly(layers, sparsity)));
}

TEST(AllocationTable, SaysWhatAMaskCosts) {
  const ModelGraph graph = small_network();
  const PlannedScore scorer(graph, track(), 4, 8);
  const std::string table = allocation_table(scorer, {{"early", 0.0}, {"late", 0.5}, {"classifier", 0.1}});
  EXPECT_TRUE(
      table.starts_with("layer,weights,resolution,sparsity,mask_bits,saved_bits,marginal_score\nearly,216,8x8,"
                        "0.000000,0,0,"))
      << table;
  EXPECT_NE(table.find("\nlate,576,2x2,0.500000,576,576,"), std::string::npos) << table;
  EXPECT_NE(table.find("\nclassifier,80,1x1,0.100000,0,0,"), std::string::npos) << table;
}

// Against every combination: the least rise of all that meet the target, where the target is one that a beginning of
// the efficient steps meets exactly.
TEST(AllocateWidths, IsTheBestOfAllThatMeetTheTarget) {
  // The weights of a, and what b and c read: c and d read the same.
  const WidthKey a_key = {"a", Coded::weights};
  const WidthKey b_key = {"b", Coded::activations};
  const WidthKey c_key = {"c", Coded::activations};
  const WidthKey d_key = {"d", Coded::activations};
  const std::vector<int64_t> widths = {2, 4, 8};
  const std::vector<WidthChoice> choices = {{{a_key}, widths}, {{b_key}, widths}, {{c_key, d_key}, widths}};
  const WidthRises rises = {{a_key, {{2, 0.9}, {4, 0.1}, {8, 0.0}}},
                            {b_key, {{2, 0.3}, {4, 0.2}, {8, 0.0}}},
                            {c_key, {{2, 5.0}, {4, 0.01}, {8, 0.02}}},
                            {d_key, {{2, 0.0}, {4, 0.0}, {8, 0.0}}}};
  const std::map<WidthKey, double> size = {{a_key, 10.0}, {b_key, 3.0}, {c_key, 1.0}, {d_key, 0.0}};
  const auto score = [&](const Widths& chosen) {
    double sum = 0.0;
    for (const auto& [key, bits] : chosen) sum += size.at(key) * static_cast<double>(bits);
    return sum;
  };
  const auto rise = [&](const Widths& chosen) {
    double sum = 0.0;
    for (const auto& [key, bits] : chosen) sum += rises.at(key).at(bits);
    return sum;
  };
  for (const double target : {112.0, 68.0, 50.0, 30.0, 28.0}) {
    const Widths chosen = allocate_widths(choices, rises, score, target);
    EXPECT_LE(score(chosen), target);
    double best = 1e9;
    for (const int64_t a : widths)
      for (const int64_t b : widths)
        for (const int64_t c : widths) {
          const Widths tried = {{a_key, a}, {b_key, b}, {c_key, c}, {d_key, c}};
          if (score(tried) <= score(chosen)) best = std::min(best, rise(tried));
        }
    EXPECT_EQ(chosen.at(c_key), chosen.at(d_key));
    EXPECT_NEAR(rise(chosen), best, 0.011) << target;  // the rise of c at 8 bits is no promise: 0.01 more than at 4
  }
  // What has one choice is not measured.
  const Widths fixed = allocate_widths({{{a_key}, {3}}, {{b_key}, widths}}, {{b_key, rises.at(b_key)}}, score, 42.0);
  EXPECT_EQ(fixed, (Widths{{a_key, 3}, {b_key, 2}}));
  EXPECT_EQ(message_of([&] { allocate_widths(choices, rises, score, 27.0); }),
            "quantize.widths.target_score: 27 is out of reach, the choices allow 28.000000 at least");
  EXPECT_EQ(message_of([&] {
              allocate_widths({{{c_key}, {3, 8}}}, rises, score, 5.0);
            }),
            "quantize.widths: sensitivity measured no 3 bits of the activations in front of layer c");
}

}  // namespace
}  // namespace carat
