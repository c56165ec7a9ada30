// SPDX-License-Identifier: Apache-2.0
// What is stored, executed and charged belong together: the payload of every kind of network is the storage on its
// sheet, and the charges of kinds that no other test works out, by hand.
#include <gtest/gtest.h>

#include "models/graph/builder.h"
#include "models/packed/packed_model.h"
#include "scoring/graph_walk.h"
#include "scoring/score_sheet.h"
#include "tests/support/files.h"
#include "tests/support/float_mix.h"
#include "tests/support/random_fused.h"

namespace carat {
namespace {

Ledger ledger_of(const Model& model) { return count_network(model.graph, nonzeros_per_kernel(model)); }

// All of it but channel permutations, which R23 charges and the graph says.
TEST(Charged, PayloadIsTheStorageOnTheSheet) {
  for (int64_t seed = 1; seed <= 200; ++seed)
    for (const Model& model : {RandomFused(seed).make(), FloatMix(seed).make()})
      ASSERT_EQ(Ratio(payload_size(pack(model)).payload_bits), ledger_of(model).held_bits())
          << model.graph.name() << ' ' << seed;
}

// 1x2x2 image -> 1x1 convolution of two kernels -> integer Scale layer -> 3-bit codes -> table to 2-bit codes.
Model small(const QuantSpec& weights, const std::vector<float>& codes) {
  GraphBuilder net("small");
  LayerSpec conv;
  conv.name = "conv";
  conv.op = OpKind::conv;
  conv.inputs = {net.input({1, 2, 2})};
  conv.out_channels = 2;
  conv.quant = weights;
  conv.has_unit_scale = conv.is_masked = true;
  LayerSpec scale;
  scale.name = "scale";
  scale.op = OpKind::scale;
  scale.inputs = {net.add(conv)};
  scale.arithmetic = Arithmetic::integer;
  scale.integer = IntegerScale{6, 12, 5};
  scale.has_bias = true;
  LayerSpec quant;
  quant.name = "quant";
  quant.op = OpKind::activation_quant;
  quant.inputs = {net.add(scale)};
  quant.quant = QuantSpec::unsigned_tensor(3);
  quant.has_unit_scale = true;
  LayerSpec table;
  table.name = "table";
  table.op = OpKind::table;
  table.inputs = {net.add(quant)};
  table.quant = QuantSpec::unsigned_tensor(2);
  table.has_unit_scale = true;
  net.add(table);
  Model model = initialize(net.build(), 1);
  model.buffer("conv.weight").values = codes;
  for (size_t i = 0; i < codes.size(); ++i) model.masks.at("conv").kept[i] = codes[i] != 0.0F ? 1 : 0;
  check_model(model);
  return model;
}

TEST(Charged, TernaryIntegerScaleAndTableByHand) {
  const Ledger ledger = ledger_of(small(QuantSpec::ternary(Granularity::kernel), {1, 0}));
  // 2 mask bits and one sign; 2 x 6 and 2 x 12 bits of the Scale layer; a table of 8 x 2 bits.
  EXPECT_EQ(ledger.storage_bits(), Ratio(2 + 1 + 12 + 24 + 16));
  // One product at 4 pixels, 8 bits wide (R18; its result has 1 + 8 = 9 bits). Scale, 8 results: multiplies at
  // max(6, 9), additions at max(6 + 9, 12). 8 look-ups at 3 bits.
  EXPECT_EQ(ledger.op_bits(), Ratio(4 * 8 + 8 * 9 + 8 * 15 + 8 * 3));
}

TEST(Charged, BinaryAndCodebookByHand) {
  const int64_t rest = 12 + 24 + 16;
  EXPECT_EQ(ledger_of(small(QuantSpec::binary(Granularity::kernel), {1, -1})).storage_bits(), Ratio(2 + rest));
  // Two indices of 1 bit, and a codebook of two entries of 4 bits.
  EXPECT_EQ(ledger_of(small(QuantSpec::codebook(1, 4, Granularity::kernel), {1, -1})).storage_bits(),
            Ratio(2 + 8 + rest));
  // A zero has no code: one mask bit for each of the two weights.
  EXPECT_EQ(ledger_of(small(QuantSpec::codebook(1, 4, Granularity::kernel), {1, 0})).storage_bits(),
            Ratio(2 + 1 + 8 + rest));
}

}  // namespace
}  // namespace carat
