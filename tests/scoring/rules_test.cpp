// SPDX-License-Identifier: Apache-2.0
// Every rule by hand arithmetic, written beside it.
#include <gtest/gtest.h>

#include "scoring/rules.h"
#include "tests/scoring/support.h"
#include "tests/support/files.h"

namespace carat {
namespace {

// 2 kernels of 1x1x4 at 2x3 positions.
const char* const kConv =
    R"({"kind": "conv2d", "name": "c", "in_channels": 4, "out_channels": 2, "kernel": 1, "input": [2, 3])";

std::string conv(const std::string& more) { return std::string(kConv) + ", " + more + "}"; }

TEST(Rules, R1ScoreAndR2ToR4Normalisers) {
  const auto score = [](const char* track) {
    ScoreSheet sheet;
    sheet.track = track_named(track);
    sheet.param_bits = int64_t{32} * 6900000;
    sheet.bit_ops = int64_t{32} * 318000000;
    return sheet.score();
  };
  EXPECT_DOUBLE_EQ(score("imagenet"), 1.0 + 318.0 / 1170.0);
  EXPECT_DOUBLE_EQ(score("cifar100"), 6.9 / 36.5 + 318.0 / 10490.0);
  EXPECT_DOUBLE_EQ(score("wikitext103"), 6.9 / 159.0 + 1.0);
}

TEST(Rules, R9EverythingStoredCounts) {
  // 8 weights, 2 biases, 2 scales, 2 zero points of 8 bits and one of 4.
  const Ledger ledger = ledger_of(conv(R"("weight_bits": 8, "input_bits": 8, "input_type": "unsigned", "bias": true,
    "scales": 2, "weight_zero_points": 2, "weight_zero_point_bits": 8, "input_zero_point_bits": 4)"));
  EXPECT_EQ(ledger.storage_bits(), Ratio(8 * 8 + 2 * 32 + 2 * 32 + 2 * 8 + 4));
}

TEST(Rules, R10BitsOfAValue) {
  EXPECT_EQ(ledger_of(R"({"kind": "tensor", "elements": 100, "bits": 3})").storage_bits(), Ratio(300));
}

TEST(Rules, R11SparseIsValuesAndMask) {
  // 5 nonzeros of 8 bits and a mask of 8; dense: 8 values, no mask; zeros without a mask: 8 values.
  EXPECT_EQ(ledger_of(conv(R"("weight_bits": 8, "nonzeros_per_kernel": [4, 1])")).storage_bits(), Ratio(5 * 8 + 8));
  EXPECT_EQ(ledger_of(conv(R"("weight_bits": 8)")).storage_bits(), Ratio(64));
  EXPECT_EQ(ledger_of(conv(R"("weight_bits": 8, "nonzeros": 5, "mask": "none")")).storage_bits(), Ratio(64));
}

TEST(Rules, R12BlockMask) {
  // 512 x 128 in blocks of 4 x 4: 4,096 mask bits. 1,000 kept blocks of 16 values of 8 bits.
  const std::string linear = R"({"kind": "linear", "in_features": 128, "out_features": 512, "weight_bits": 8,
    "block": [4, 4], "kept_blocks": 1000})";
  const Ledger ledger = ledger_of(linear);
  EXPECT_EQ(bits_of(ledger, "weight mask"), Ratio(4096));
  EXPECT_EQ(bits_of(ledger, "weight values"), Ratio(1000 * 16 * 8));
  EXPECT_EQ(bits_of(ledger, "mult"), Ratio(16000 * 32));
}

TEST(Rules, R13R14R19Freebie) {
  // Dense: 8 weights at 16 bits; 48 multiplies at 16, 36 additions at 32.
  const Ledger ledger = ledger_of(conv(R"("note": "")"), "official");
  EXPECT_EQ(ledger.storage_bits(), Ratio(8 * 16));
  EXPECT_EQ(ledger.op_bits(), Ratio(48 * 16 + 36 * 32));
  // Pruning is not quantization: 4 of 8 kept, 4 values and 8 mask bits; (2 - 1) additions.
  const Ledger pruned = ledger_of(conv(R"("nonzeros": 4)"), "official");
  EXPECT_EQ(pruned.storage_bits(), Ratio(4 * 16 + 8));
  EXPECT_EQ(pruned.op_bits(), Ratio(24 * 16 + 12 * 32));
  EXPECT_EQ(message_of([] { ledger_of(conv(R"("weight_bits": 8)"), "official"); }),
            "policy official: layer c: weight values of 8 bits, and R14 says: if any part of the model is quantized, "
            "the freebie "
            "of 16-bit parameters and multiplies is lost for the whole entry");
  EXPECT_NE(message_of([] { ledger_of(conv(R"("weight_bits": 16)"), "official"); }).find("less than 16 bits"),
            std::string::npos);
}

TEST(Rules, R15EarlyExit) {
  // 6,000 of 10,000 examples leave before the second layer: 48 and 0.4 x 48 multiplies at 32 bits.
  const std::string second = R"({"kind": "linear", "in_features": 8, "out_features": 6, "after": "early"})";
  const Ledger ledger = ledger_of(conv(R"("note": "")") + "," + second, "strict",
                                  R"("examples": 10000, "exits": [{"name": "early", "leave": 6000}], )");
  EXPECT_EQ(bits_of(ledger, "mult"), Ratio(48 * 32) + Ratio::of(6144, 10));
  // One third of the examples: no rounding.
  const Ledger third = ledger_of(R"({"kind": "linear", "in_features": 8, "out_features": 6, "executed": [1, 3]})");
  EXPECT_EQ(bits_of(third, "mult"), Ratio(512));
  EXPECT_EQ(bits_of(third, "add"), Ratio(14 * 32));  // (8 - 1) x 6 / 3
}

TEST(Rules, R16MultipliesAndAdditionsApart) {
  // Kernels of 4 and 1 nonzeros at 6 positions: 30 multiplies, 3 x 6 additions; an empty kernel adds nothing.
  const Ledger ledger = ledger_of(conv(R"("nonzeros_per_kernel": [4, 1])"));
  EXPECT_EQ(bits_of(ledger, "mult"), Ratio(30 * 32));
  EXPECT_EQ(bits_of(ledger, "add"), Ratio(18 * 32));
  EXPECT_EQ(bits_of(ledger_of(conv(R"("nonzeros_per_kernel": [4, 0])")), "add"), Ratio(18 * 32));
}

TEST(Rules, R17TranscendentalAndBitwise) {
  EXPECT_EQ(ledger_of(R"({"kind": "tanh", "channels": 5})").op_bits(), Ratio(5 * 32));
  EXPECT_EQ(ledger_of(R"({"kind": "operations", "operation": "bitwise", "count": 7, "bits": 8})").op_bits(), Ratio(56));
  // sigmoid: exp, addition, division; swish: a multiply more; hard-swish 4 + 1.
  EXPECT_EQ(ledger_of(R"({"kind": "sigmoid", "channels": 5})").op_bits(), Ratio(15 * 32));
  EXPECT_EQ(ledger_of(R"({"kind": "swish", "channels": 5})").op_bits(), Ratio(20 * 32));
  EXPECT_EQ(ledger_of(R"({"kind": "hard_swish", "channels": 5})").op_bits(), Ratio(25 * 32));
}

TEST(Rules, R18WidestInput) {
  // 3-bit weights by 5-bit inputs: 5 bits; 32 by 8: 32.
  const Ledger codes = ledger_of(conv(R"("weight_bits": 3, "input_bits": 5, "input_type": "unsigned")"));
  EXPECT_EQ(bits_of(codes, "mult"), Ratio(48 * 5));
  const Ledger floats = ledger_of(conv(R"("weight_bits": 8)"));
  EXPECT_EQ(bits_of(floats, "mult"), Ratio(48 * 32));
}

TEST(Rules, R20SignFlip) {
  // Binary weights on floats: 1 bit; on two's complement codes: the codes' 8 bits; on sign-magnitude: 1.
  EXPECT_EQ(bits_of(ledger_of(conv(R"("weight_encoding": "binary")")), "mult"), Ratio(48));
  EXPECT_EQ(bits_of(ledger_of(conv(R"("weight_encoding": "binary", "input_bits": 8, "input_type": "signed")")), "mult"),
            Ratio(48 * 8));
  EXPECT_EQ(bits_of(ledger_of(conv(R"("weight_encoding": "binary", "input_bits": 8, "input_type": "sign_magnitude")")),
                    "mult"),
            Ratio(48));
  EXPECT_EQ(ledger_of(conv(R"("weight_encoding": "binary")")).storage_bits(), Ratio(8));
}

TEST(Rules, TernaryIsSparseBinary) {
  // 5 of 8: mask 8 + 5 signs; multiplies of floats 1 bit; without a mask 2 bits each.
  const Ledger ledger = ledger_of(conv(R"("weight_encoding": "ternary", "nonzeros_per_kernel": [3, 2])"));
  EXPECT_EQ(ledger.storage_bits(), Ratio(13));
  EXPECT_EQ(bits_of(ledger, "mult"), Ratio(5 * 6));
  EXPECT_EQ(ledger_of(conv(R"("weight_encoding": "ternary", "nonzeros": 5, "mask": "none")")).storage_bits(),
            Ratio(16));
}

TEST(Rules, CodebookStoresItsEntries) {
  // 8 indices of 4 bits into 16 entries of 16 bits; the multiply's operand is the entry: max(16, 8).
  const Ledger ledger = ledger_of(conv(
      R"("weight_encoding": "codebook", "codebook_entries": 16, "codebook_entry_bits": 16, "input_bits": 8, "input_type": "signed")"));
  EXPECT_EQ(ledger.storage_bits(), Ratio(8 * 4 + 16 * 16));
  EXPECT_EQ(bits_of(ledger, "mult"), Ratio(48 * 16));
}

TEST(Rules, ZeroPoints) {
  // Inputs less their zero point: 4 x 2 x 3 subtractions at max(8, 8), then 9 bits and a sign. Windows of 4 of them at
  // 6 positions: 18 additions at the sum's width 9 + 2; per output (12) one multiply of 11 by 8 bits and one
  // subtraction of 11 + 8 bits from the sum of 4 products of 8 + 9 - 1: max(19, 18). Stored: two of 8 bits.
  const Ledger ledger = ledger_of(conv(R"("weight_bits": 8, "input_bits": 8, "input_type": "unsigned",
    "weight_zero_points": 1, "input_zero_point_bits": 8, "input_zero_point_folded": false)"));
  EXPECT_EQ(bits_of(ledger, "zero point"), Ratio(24 * 8 + 18 * 11 + 12 * 11 + 12 * 19 + 8 + 8));
}

TEST(Rules, R21Conversions) {
  EXPECT_EQ(ledger_of(R"({"kind": "quantize", "channels": 5, "size": 2})").op_bits(), Ratio(0));
  EXPECT_EQ(ledger_of(R"({"kind": "quantize", "channels": 5, "size": 2, "scales": 1})").op_bits(), Ratio(20 * 32));
  EXPECT_EQ(ledger_of(R"({"kind": "convert", "channels": 5, "size": 2, "bits": 64})").op_bits(), Ratio(20 * 64));
}

TEST(Rules, R22StaticActivationSparsity) {
  // 6 x 6 scores of length 4, 21 of them computed (causal), the pattern a formula: 84 multiplies, 63 additions.
  const Ledger ledger = ledger_of(R"({"kind": "matmul", "rows": 6, "inner": 4, "columns": 6, "kept": 21})");
  EXPECT_EQ(ledger.op_bits(), Ratio((84 + 63) * 32));
  EXPECT_EQ(ledger_of(R"({"kind": "matmul", "rows": 6, "inner": 4, "columns": 6, "kept": 21, "pattern_bits": 36})")
                .storage_bits(),
            Ratio(36));
}

TEST(Rules, R23Permutation) {
  // 8 channels of 2 x 2: 32 multiplies of 8-bit codes by 1-bit values; 8 values and 64 mask bits.
  const Ledger ledger = ledger_of(R"({"kind": "permute", "channels": 8, "size": 2, "value_bits": 1, "input_bits": 8})");
  EXPECT_EQ(ledger.op_bits(), Ratio(32 * 8));
  EXPECT_EQ(ledger.storage_bits(), Ratio(8 + 64));
}

TEST(Rules, R24PerToken) {
  EXPECT_EQ(ledger_of(R"({"kind": "embedding", "vocabulary": 10, "features": 4})").op_bits(), Ratio(0));
  EXPECT_EQ(ledger_of(R"({"kind": "embedding", "vocabulary": 10, "features": 4, "weight_bits": 8})").storage_bits(),
            Ratio(320));
  EXPECT_EQ(ledger_of(R"({"kind": "softmax", "classes": 10})").op_bits(), Ratio((3 * 10 - 1) * 32));
  EXPECT_EQ(ledger_of(R"({"kind": "softmax", "classes": 10, "stable": true})").op_bits(), Ratio((29 + 9 + 10) * 32));
  // d = 4: sum 3, mean 1, subtract 4, squares 4, sum 3, variance 1, epsilon 1, root 1, multiply 4, gain 4, offset 4.
  EXPECT_EQ(ledger_of(R"({"kind": "layer_norm", "features": 4})").op_bits(), Ratio(30 * 32));
  EXPECT_EQ(ledger_of(R"({"kind": "layer_norm", "features": 4, "gain": false, "offset": false})").op_bits(),
            Ratio(22 * 32));
  EXPECT_EQ(ledger_of(R"({"kind": "layer_norm", "features": 4})").storage_bits(), Ratio(8 * 32));
}

TEST(Rules, R24AttentionLstmQrnn) {
  // 2 heads of 3 features on 5 keys: 10 x (3 + 2) for the scores, 2 x 14 for the softmax, 6 x (5 + 4) for the values.
  EXPECT_EQ(ledger_of(R"({"kind": "attention", "heads": 2, "head_features": 3, "keys": 5})").op_bits(),
            Ratio((50 + 28 + 54) * 32));
  EXPECT_EQ(ledger_of(R"({"kind": "attention", "heads": 2, "head_features": 3, "keys": 5, "scaled": true})").op_bits(),
            Ratio((50 + 28 + 54 + 10) * 32));
  // 3 inputs, 2 hidden: 8 dot products of 5 (8 x 9) and 8 biases; 6 sigmoids of 3, 4 tanh, 6 multiplies, 2 additions.
  const Ledger lstm = ledger_of(R"({"kind": "lstm", "in_features": 3, "hidden_features": 2, "bias": true})");
  EXPECT_EQ(lstm.op_bits(), Ratio((72 + 8 + 18 + 4 + 6 + 2) * 32));
  EXPECT_EQ(lstm.storage_bits(), Ratio((40 + 8) * 32));
  // fo-pooling, window 2: 6 dot products of 6 (6 x 11); 2 tanh, 4 sigmoids of 3, 6 multiplies, 4 additions.
  EXPECT_EQ(ledger_of(R"({"kind": "qrnn", "in_features": 3, "hidden_features": 2})").op_bits(),
            Ratio((66 + 2 + 12 + 6 + 4) * 32));
}

TEST(Rules, R25AccumulatorsAsDeclared) {
  const std::string codes = R"("weight_bits": 4, "input_bits": 4, "input_type": "unsigned", )";
  // Kernels of 4 at 6 positions. Tree: two additions at 8 bits, one at 9; x 2 kernels x 6.
  EXPECT_EQ(bits_of(ledger_of(conv(codes + R"("accumulator": "tree")")), "add"), Ratio(12 * (2 * 8 + 9)));
  EXPECT_EQ(bits_of(ledger_of(conv(codes + R"("accumulator": "fixed", "accumulator_bits": 20)")), "add"),
            Ratio(36 * 20));
  EXPECT_EQ(bits_of(ledger_of(conv(codes + R"("accumulator": "float16")")), "add"), Ratio(36 * 16));
  EXPECT_EQ(bits_of(ledger_of(conv(codes + R"("accumulator": "float32")")), "add"), Ratio(36 * 32));
  // Signed inputs: the product is one bit narrower.
  EXPECT_EQ(bits_of(ledger_of(conv(R"("weight_bits": 4, "input_bits": 4, "input_type": "signed")")), "add"),
            Ratio(12 * (2 * 7 + 8)));
}

TEST(Rules, R25NarrowAccumulatorsAreNoted) {
  // 4 products of 8 bits need 10; 9 are declared.
  const auto notes = [](int bits) {
    return list_of(conv(R"("weight_bits": 4, "input_bits": 4, "input_type": "unsigned", "accumulator": "fixed",
                           "accumulator_bits": )" +
                        std::to_string(bits)))
        .walk.notes.size();
  };
  EXPECT_EQ(notes(9), 1U);
  EXPECT_EQ(notes(10), 0U);
}

TEST(Rulings, O1O2O4) {
  EXPECT_EQ(bits_of(ledger_of(conv(R"("nonzeros": 1)")), "weight mask"), Ratio(8));  // O1: zeros included
  // O2: folded batch norm of 3 channels on 2 x 2: 12 additions, 3 stored biases.
  const Ledger norm = ledger_of(R"({"kind": "batch_norm", "channels": 3, "size": 2, "scale_folded": true})");
  EXPECT_EQ(norm.op_bits(), Ratio(12 * 32));
  EXPECT_EQ(norm.storage_bits(), Ratio(3 * 32));
  // O4: pooling in floats at 32 bits: 3 channels of 4 x 4: 45 additions, 3 multiplies.
  EXPECT_EQ(ledger_of(R"({"kind": "global_avg_pool", "channels": 3, "input": 4})").op_bits(), Ratio(48 * 32));
}

TEST(Rulings, LookupTable) {
  // 2^4 entries of 8 bits; 20 operations of 4 bits.
  const Ledger ledger = ledger_of(R"({"kind": "lookup", "channels": 5, "size": 2, "input_bits": 4})");
  EXPECT_EQ(ledger.storage_bits(), Ratio(16 * 8));
  EXPECT_EQ(ledger.op_bits(), Ratio(20 * 4));
}

TEST(Sparsity, EveryModeIsNamed) {
  // K = 4, two kernels, 6 positions, sparsity 0.3: K (1 - s) = 2.8, N (1 - s) = 5.6.
  const auto mults = [](const char* mode) {
    return bits_of(ledger_of(conv(std::string(R"("sparsity": 0.3, "sparsity_mode": ")") + mode + "\"")), "mult") /
           Ratio(32);
  };
  EXPECT_EQ(mults("uniform"), Ratio(3 * 2 * 6));
  EXPECT_EQ(mults("real"), Ratio(6 * 6));
  EXPECT_EQ(mults("floor"), Ratio(2 * 2 * 6));
  EXPECT_EQ(mults("fractional"), Ratio::of(336, 10));
  const Ledger floor = ledger_of(conv(R"("sparsity": 0.3, "sparsity_mode": "floor", "weight_bits": 8)"));
  EXPECT_EQ(floor.storage_bits(), Ratio::of(448, 10) + Ratio(8));
  EXPECT_EQ(message_of([] { list_of(conv(R"("sparsity": 0.3)")); }),
            "list:1:166: layers[0].sparsity: c: a declared sparsity needs a 'sparsity_mode': uniform, real, floor or "
            "fractional");
}

TEST(Official, CornerCases) {
  // s = 1: no multiplies, minus one addition per output; the full mask stays.
  const Ledger empty = ledger_of(conv(R"("sparsity": 1, "sparsity_mode": "fractional")"), "official");
  EXPECT_EQ(empty.op_bits(), Ratio(-12 * 32));
  EXPECT_EQ(empty.storage_bits(), Ratio(8));
  EXPECT_NE(message_of([] { ledger_of(R"({"kind": "hard_swish", "channels": 3})", "official"); }).find("does not know"),
            std::string::npos);
}

TEST(AsPublished, RiairImageNet) {
  // Kernels of 4, 7-bit unsigned inputs, 5-bit weights: products of 12 bits; the tree ends at 14.
  const std::string codes = conv(R"("weight_bits": 5, "input_bits": 7, "input_type": "unsigned")");
  EXPECT_EQ(bits_of(ledger_of(codes, "as-published:riair-imagenet"), "add"), Ratio(12 * (2 * 12 + 13)));
  EXPECT_EQ(bits_of(ledger_of(codes, "as-published:riair-imagenet-int"), "add"), Ratio(36 * 14));
  EXPECT_EQ(bits_of(ledger_of(codes, "as-published:riair-imagenet-int16"), "add"), Ratio(36 * 14));
  EXPECT_EQ(bits_of(ledger_of(codes, "as-published:riair-imagenet-fp16"), "add"), Ratio(36 * 16));
  // Swish: four operations per element, 32 bits in the final accounting, 16 before.
  const std::string swish = R"({"kind": "swish", "channels": 10})";
  EXPECT_EQ(ledger_of(swish, "as-published:riair-imagenet").op_bits(), Ratio(40 * 32));
  EXPECT_EQ(ledger_of(swish, "as-published:riair-imagenet-before").op_bits(), Ratio(40 * 16));
}

TEST(AsPublished, Qualcomm) {
  // 5 nonzeros: the mask is charged 5 bits; pooling of 2 x 4 x 4 inputs: 32 operations.
  EXPECT_EQ(bits_of(ledger_of(conv(R"("nonzeros": 5)"), "as-published:qualcomm"), "weight mask"), Ratio(5));
  EXPECT_EQ(ledger_of(R"({"kind": "global_avg_pool", "channels": 2, "input": 4})", "as-published:qualcomm").op_bits(),
            Ratio(32 * 32));
  // A convolution's bias is added at 12 outputs, a linear layer's is not; additions and functions are no modules.
  EXPECT_EQ(bits_of(ledger_of(conv(R"("bias": true)"), "as-published:qualcomm"), "bias add"), Ratio(12 * 32));
  const std::string unseen = R"({"kind": "add", "channels": 3}, {"kind": "multiply", "channels": 3},
    {"kind": "swish", "channels": 3})";
  EXPECT_EQ(ledger_of(unseen, "as-published:qualcomm").op_bits(), Ratio(0));
  const std::string linear = R"({"kind": "linear", "in_features": 4, "out_features": 2, "bias": true})";
  EXPECT_EQ(ledger_of(linear, "as-published:qualcomm").op_bits(), Ratio((8 + 6) * 32));
}

TEST(Policies, ListTheirDeviations) {
  for (const Policy& policy : policies()) {
    EXPECT_EQ(deviations(policy).empty(), policy.name == "strict" || policy.name == "as-published:none") << policy.name;
    for (const Deviation& deviation : deviations(policy)) EXPECT_FALSE(rule_text(deviation.rule).empty());
    EXPECT_NE(policy_text(policy).find(policy.source), std::string::npos);
  }
  EXPECT_EQ(&policy_named("as-published:casia-type0"), &policy_named("as-published:riair-type0"));
  EXPECT_EQ(message_of([] { policy_named("strikt"); }),
            "unknown policy 'strikt', did you mean 'strict'? (carat policies lists them)");
}

TEST(Rules, EveryRowNamesKnownRules) {
  for (const LayerKind& kind : layer_kinds()) EXPECT_FALSE(kind.help.empty()) << kind.name;
  const Ledger ledger = ledger_of(conv(R"("weight_bits": 4, "input_bits": 4, "input_type": "signed", "nonzeros": 5)") +
                                  R"(,{"kind": "swish", "channels": 2}, {"kind": "layer_norm", "features": 2})");
  for (const Row& row : ledger.rows)
    for (const std::string& id : rule_ids(row.rule)) EXPECT_FALSE(rule_text(id).empty());
}

}  // namespace
}  // namespace carat
