// SPDX-License-Identifier: Apache-2.0
// Hand arithmetic from the rule text.
#include <gtest/gtest.h>

#include "models/zoo/zoo.h"
#include "scoring/score_sheet.h"

namespace carat {
namespace {

const Row* find_op(const Ledger& ledger, const std::string& what, int64_t bits) {
  for (const Row& row : ledger.rows)
    if (row.part == Part::ops && row.what == what && row.bits == bits) return &row;
  return nullptr;
}

// input -> 3-bit-weight 1x1 conv on 5-bit codes -> Scale.
ModelGraph coded_graph(int64_t weight_bits, int64_t activation_bits) {
  GraphBuilder net("net");
  LayerSpec quant;
  quant.name = "quant";
  quant.op = OpKind::activation_quant;
  quant.inputs = {net.input({4, 2, 2})};
  quant.quant = QuantSpec::unsigned_tensor(activation_bits);
  quant.has_unit_scale = true;
  LayerSpec conv;
  conv.name = "conv";
  conv.op = OpKind::conv;
  conv.inputs = {net.add(quant)};
  conv.out_channels = 2;
  conv.quant = QuantSpec::symmetric(weight_bits, Granularity::kernel);
  conv.has_unit_scale = true;
  LayerSpec scale;
  scale.name = "scale";
  scale.op = OpKind::scale;
  scale.inputs = {net.add(conv)};
  scale.arithmetic = Arithmetic::fp16;
  scale.has_bias = true;
  net.add(scale);
  return net.build();
}

TEST(AdderTree, MatchesTheRule) {
  EXPECT_TRUE(adder_tree(0, 8).empty());
  EXPECT_TRUE(adder_tree(1, 8).empty());
  EXPECT_EQ(adder_tree(2, 8), (std::map<int64_t, int64_t>{{8, 1}}));
  // 7 products: 3 additions at 8 bits leave 4, then 2 at 9, 1 at 10.
  EXPECT_EQ(adder_tree(7, 8), (std::map<int64_t, int64_t>{{8, 3}, {9, 2}, {10, 1}}));
  for (int64_t n = 1; n < 200; ++n) {
    int64_t additions = 0;
    for (const auto& [bits, count] : adder_tree(n, 8)) additions += count;
    EXPECT_EQ(additions, n - 1);
  }
  EXPECT_EQ(tree_result_bits(1, 8), 8);
  EXPECT_EQ(tree_result_bits(7, 8), 11);  // 1785 = 7 * 255 needs 11 bits
}

TEST(Ledger, QuantizedConvolutionByHand) {
  const Ledger ledger = count_network(coded_graph(3, 5), {{"conv", {4, 2}}});
  // R18: 3-bit by 5-bit costs 5. 6 nonzeros, 4 pixels.
  EXPECT_EQ(find_op(ledger, "mult", 5)->count.to_integer(), 24);
  // Kernel of 4: two additions at 8 bits, one at 9; kernel of 2: one at 8.
  EXPECT_EQ(find_op(ledger, "add", 8)->count.to_integer(), 3 * 4);
  EXPECT_EQ(find_op(ledger, "add", 9)->count.to_integer(), 1 * 4);
  // The accumulator of 10 bits is narrower than fp16.
  EXPECT_EQ(find_op(ledger, "scale mult", 16)->count.to_integer(), 8);
  EXPECT_EQ(find_op(ledger, "bias add", 32)->count.to_integer(), 8);
  EXPECT_EQ(ledger.op_bits().to_integer(), 24 * 5 + 12 * 8 + 4 * 9 + 8 * 16 + 8 * 32);
  // Storage: dense 8 * 3 = 24 bits; sparse 8 + 6 * 3 = 26 bits is more. Scale and bias: 2 * 2 * 16.
  EXPECT_EQ(ledger.storage_bits().to_integer(), 24 + 64);
  const Ledger sparse = count_network(coded_graph(3, 5), {{"conv", {1, 2}}});
  EXPECT_EQ(sparse.storage_bits().to_integer(), 8 + 3 * 3 + 64);
}

TEST(Ledger, EmptyKernelsCostNothing) {
  const Ledger ledger = count_network(coded_graph(4, 4), {{"conv", {0, 0}}});
  EXPECT_EQ(find_op(ledger, "mult", 4), nullptr);
  EXPECT_EQ(ledger.storage_bits().to_integer(), 8 + 64);
}

TEST(Ledger, WideAccumulatorsRaiseTheScaleMultiply) {
  // 8-bit weights on 12-bit codes: products of 20 bits, four of them end at 22.
  const Ledger ledger = count_network(coded_graph(8, 12), {{"conv", {4, 4}}});
  EXPECT_NE(find_op(ledger, "scale mult", 22), nullptr);
}

TEST(Ledger, DenseFloatNetworkOnRealShapes) {
  const ModelGraph graph = build_model("resnet8", {}, {1, 28, 28}, 10);
  const Ledger ledger = count_network(graph, dense_counts(graph));
  // 76,652 weights, 2 * 348 batch norm values, 10 biases.
  EXPECT_EQ(ledger.storage_bits().to_integer(), int64_t{77358} * 32);
  const Track& track = track_named("fashion_mnist");
  EXPECT_EQ(ledger.storage_bits().to_integer(), track.parameter_norm * 32);
  EXPECT_EQ(ledger.op_bits().to_integer(), track.op_norm * 32);
  // Outputs of the convolutions and the classifier, worked by hand.
  const int64_t outputs = 784 * 12 + 196 * 16 * 3 + 49 * 32 * 3 + 16 * 64 * 3 + 10;
  int64_t mults = 0;
  int64_t adds = 0;
  for (const Row& row : ledger.rows) {
    if (row.what == "mult") mults += row.count.to_integer();
    if (row.what == "add") adds += row.count.to_integer();
  }
  EXPECT_EQ(mults, 2533184);
  EXPECT_EQ(adds, 2533184 - outputs);
}

TEST(Ledger, DenseNetMatchesItsPublishedCounts) {
  const ModelGraph graph = build_model("densenet_bc", {}, {3, 32, 32}, 100);
  const Ledger ledger = count_network(graph, dense_counts(graph));
  EXPECT_EQ(ledger.storage_bits().to_integer(), int64_t{800032} * 32);
}

TEST(ScoreSheet, WorkedExampleOfTheRules) {
  ScoreSheet sheet;
  sheet.track = track_named("imagenet");
  sheet.param_bits = int64_t{3000000} * 32;
  sheet.bit_ops = int64_t{500000000} * 32;
  EXPECT_NEAR(sheet.score(), 0.8621330360460795, 1e-15);  // R5: 3 / 6.9 + 500 / 1170
}

TEST(ScoreSheet, GateIsExact) {
  const Track cifar = track_named("cifar100");
  EXPECT_EQ(check_gate(cifar, {7999, 10000, {}}), Gate::fail);  // R7
  EXPECT_EQ(check_gate(cifar, {8000, 10000, {}}), Gate::pass);
  EXPECT_EQ(check_gate(cifar, {0, 0, {}}), Gate::not_measured);
  EXPECT_EQ(check_gate(cifar, {900, 1000, {}}), Gate::not_measured);  // nine tenths of a tenth prove nothing
  const Track imagenet = track_named("imagenet");
  EXPECT_EQ(check_gate(imagenet, {37499, 50000, {}}), Gate::fail);  // R6
  EXPECT_EQ(check_gate(imagenet, {37500, 50000, {}}), Gate::pass);
  const Track wikitext = track_named("wikitext103");
  EXPECT_EQ(check_gate(wikitext, {0, 0, Ratio(35)}), Gate::pass);  // R8: 35 or below
  EXPECT_EQ(check_gate(wikitext, {0, 0, Ratio::from_decimal("35.0000001")}), Gate::fail);
  EXPECT_EQ(check_gate(wikitext, {0, 0, {}}), Gate::not_measured);
  const Track custom = track_named("custom:1000:2000:3/4");
  EXPECT_EQ(check_gate(custom, {75, 100, {}}), Gate::pass);
  EXPECT_EQ(check_gate(custom, {74, 100, {}}), Gate::fail);
}

TEST(ScoreSheet, SameInputSameBytes) {
  const ModelGraph graph = coded_graph(4, 4);
  const ScoreSheet sheet = make_sheet(graph, dense_counts(graph), track_named("synthetic"), 450, 500);
  const ScoreSheet again = make_sheet(graph, dense_counts(graph), track_named("synthetic"), 450, 500);
  EXPECT_EQ(to_markdown(sheet), to_markdown(again));
  EXPECT_EQ(to_json(sheet), to_json(again));
  EXPECT_NE(to_csv(sheet).find("stored,conv,conv,weight values,8,4,32,R10,8 of 8 values"), std::string::npos);
}

}  // namespace
}  // namespace carat
