// SPDX-License-Identifier: Apache-2.0
// Blocks, encodings, widths and zero points by hand arithmetic, written beside it.
#include <gtest/gtest.h>

#include "tests/scoring/support.h"
#include "tests/support/files.h"

namespace carat {
namespace {

// K weights in each of C kernels.
std::string linear(int weights, int kernels, const std::string& more) {
  return R"({"kind": "linear", "name": "l", "in_features": )" + std::to_string(weights) + R"(, "out_features": )" +
         std::to_string(kernels) + ", " + more + "}";
}

const std::string kCodes = R"("weight_bits": 8, "input_bits": 8, "input_type": "unsigned", )";

std::string notes_of(const std::string& layers) {
  std::string text;
  for (const std::string& note : list_of(layers).walk.notes) text += note + "\n";
  return text;
}

TEST(Blocks, AKeptBlockStaysWhole) {
  // One of 4 x 32 blocks of 128 kernels x 4 weights: 128 kernels of 4 products of 16 bits, 2 additions at 16 and 1 at
  // 17 each.
  const Ledger row = ledger_of(linear(128, 512, kCodes + R"("block": [128, 4], "kept_blocks": 1)"));
  EXPECT_EQ(bits_of(row, "mult"), Ratio(512 * 8));
  EXPECT_EQ(bits_of(row, "add"), Ratio(128 * (2 * 16 + 17)));
  EXPECT_EQ(row.storage_bits(), Ratio(512 * 8 + 4 * 32));
  // One block of 2 x 2 in 6 x 30: two kernels with one addition each.
  EXPECT_EQ(ledger_of(linear(30, 6, R"("block": [2, 2], "kept_blocks": 1)")).op_bits(), Ratio((4 + 2) * 32));
}

TEST(Blocks, OneNumberForEveryRow) {
  // Rows of two kernels of 6 weights in 3 blocks: 3, 0 and 1 of them. Kernels of 6, 6, 0, 0, 2, 2.
  const Ledger ledger = ledger_of(linear(6, 6, R"("block": [2, 2], "kept_blocks": [3, 0, 1])"));
  EXPECT_EQ(bits_of(ledger, "mult"), Ratio(16 * 32));
  EXPECT_EQ(bits_of(ledger, "add"), Ratio((5 + 5 + 1 + 1) * 32));
  EXPECT_EQ(ledger.storage_bits(), Ratio(16 * 32 + 9));
  EXPECT_EQ(notes_of(linear(6, 6, R"("block": [2, 2], "kept_blocks": [3, 0, 1])")), "");
  EXPECT_NE(notes_of(linear(6, 6, R"("block": [2, 2], "kept_blocks": 4)")).find("rows of blocks"), std::string::npos);
}

TEST(Blocks, PartialBlocksAtTheEdges) {
  // 3 kernels of 5 weights in blocks of 2 x 2: 2 rows of 3 blocks, the last of one weight; all kept: 15 weights. Two of
  // the second row: 4 weights of its only kernel.
  EXPECT_EQ(ledger_of(linear(5, 3, R"("block": [2, 2], "kept_blocks": 6)")).storage_bits(), Ratio(15 * 32 + 6));
  EXPECT_EQ(bits_of(ledger_of(linear(5, 3, R"("block": [2, 2], "kept_blocks": [0, 2])")), "mult"), Ratio(4 * 32));
}

TEST(Encodings, TernaryInBlocksStoresTwoBits) {
  // Four blocks of 2 x 2 of {-1, 0, +1}: 16 values of 2 bits, 8 mask bits; under a bit mask a sign is enough.
  EXPECT_EQ(
      ledger_of(linear(8, 4, R"("weight_encoding": "ternary", "block": [2, 2], "kept_blocks": 4)")).storage_bits(),
      Ratio(16 * 2 + 8));
  EXPECT_EQ(ledger_of(linear(8, 4, R"("weight_encoding": "ternary", "nonzeros": 16)")).storage_bits(), Ratio(16 + 32));
}

TEST(Encodings, DeclaredMultipliesComeBeforeR20) {
  // 40 multiplies at 16 bits instead of 1.
  EXPECT_EQ(bits_of(ledger_of(linear(10, 4, R"("weight_encoding": "binary", "mult_bits": 16)")), "mult"),
            Ratio(40 * 16));
  EXPECT_EQ(bits_of(ledger_of(linear(10, 4, R"("weight_encoding": "binary")")), "mult"), Ratio(40));
}

TEST(Sparsity, FractionsBelowOneProductAddNothing) {
  // 10 weights, 95 % zeros: half a product per output; the script's own count goes below zero.
  const std::string half = linear(10, 4, R"("sparsity": 0.95, "sparsity_mode": "fractional")");
  EXPECT_EQ(ledger_of(half).op_bits(), Ratio(2 * 32));
  EXPECT_EQ(bits_of(ledger_of(half, "official"), "add"), Ratio(-2 * 32));
  EXPECT_EQ(ledger_of(linear(10, 4, R"("sparsity": 1, "sparsity_mode": "fractional")")).op_bits(), Ratio(0));
}

TEST(Widths, FloatsByTheirWiderOperand) {
  const auto bits = [](const std::string& more, const char* what) {
    return bits_of(ledger_of(linear(10, 4, more)), what);
  };
  EXPECT_EQ(bits(R"("weight_bits": 8, "input_bits": 8)", "mult"), Ratio(40 * 8));
  EXPECT_EQ(bits(R"("weight_bits": 8, "input_bits": 8)", "add"), Ratio(36 * 32));
  EXPECT_EQ(bits(R"("weight_bits": 8, "input_bits": 24)", "mult"), Ratio(40 * 24));
  EXPECT_EQ(bits(R"("weight_bits": 16, "input_bits": 64)", "mult"), Ratio(40 * 64));
  EXPECT_EQ(bits(R"("weight_bits": 16, "input_bits": 64)", "add"), Ratio(36 * 64));
  EXPECT_EQ(bits(R"("input_bits": 64, "accumulator": "float32")", "add"), Ratio(36 * 32));
}

TEST(Widths, NarrowFloatsAreNotedOnce) {
  const std::string b = R"({"kind": "linear", "name": "b", "in_features": 2, "out_features": 2, "input_bits": 8})";
  EXPECT_EQ(notes_of(linear(10, 4, R"("input_bits": 8)") + "," + b),
            "layer l and 1 more: inputs are 8-bit floats (input_type is float; say unsigned, signed or sign_magnitude "
            "for integer codes)\n");
  EXPECT_EQ(notes_of(linear(10, 4, R"("input_bits": 16)")), "");
}

TEST(ZeroPoints, OfInputsWidenTheOperand) {
  // 10 inputs less a zero point of 8 bits: 9 bits and a sign. 40 multiplies at 9; products of 8 + 9 - 1 = 16 bits: 5
  // additions at 16, 2 at 17, 1 at 18, 1 at 19. Folded into the bias, the product uses the input as it is.
  const Ledger executed =
      ledger_of(linear(10, 4, kCodes + R"("input_zero_point_bits": 8, "input_zero_point_folded": false)"));
  EXPECT_EQ(bits_of(executed, "mult"), Ratio(40 * 9));
  EXPECT_EQ(bits_of(executed, "add"), Ratio(4 * (5 * 16 + 2 * 17 + 18 + 19)));
  EXPECT_EQ(bits_of(executed, "zero point"), Ratio(10 * 8 + 8));
  EXPECT_EQ(bits_of(ledger_of(linear(10, 4, kCodes + R"("input_zero_point_bits": 8)")), "mult"), Ratio(40 * 8));
}

TEST(ZeroPoints, OfWeightsOnFloatsAreFloatSums) {
  // 9 additions, 4 multiplies and 4 subtractions at 32 bits, one stored value of 8.
  EXPECT_EQ(bits_of(ledger_of(linear(10, 4, R"("weight_bits": 8, "weight_zero_points": 1)")), "zero point"),
            Ratio((9 + 4 + 4) * 32 + 8));
}

}  // namespace
}  // namespace carat
