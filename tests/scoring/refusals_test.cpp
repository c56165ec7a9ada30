// SPDX-License-Identifier: Apache-2.0
// What a list says and nobody would count is refused, with its place, on one line.
#include <gtest/gtest.h>

#include <ctime>

#include "tests/scoring/support.h"
#include "tests/support/files.h"

namespace carat {
namespace {

struct Case {
  const char* fields;
  const char* message;
};

std::string refusal(const std::string& layers, const std::string& more = "") {
  return message_of([&] { list_of(layers, more); });
}

void expect_refused(const std::string& kind, const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    const std::string message = refusal(R"({"kind": )" + kind + ", " + one.fields + "}");
    EXPECT_NE(message.find(one.message), std::string::npos) << one.fields << "\n" << message;
    EXPECT_EQ(message.rfind("list:1:", 0), 0U) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  }
}

TEST(Refusals, FieldsThatMeanNothing) {
  expect_refused(
      R"("linear", "in_features": 10, "out_features": 4)",
      {{R"("codebook_entries": 16)", R"('codebook_entries' belongs to 'weight_encoding' "codebook", got "plain")"},
       {R"("codebooks": 2)", "'codebooks' belongs to"},
       {R"("codebook_entry_bits": 16)", "'codebook_entry_bits' belongs to"},
       {R"("block": 2, "sparsity": 0.5, "sparsity_mode": "real")", "'block' belongs to 'kept_blocks'"},
       {R"("block": 2, "nonzeros": 8)", "'block' belongs to 'kept_blocks'"},
       {R"("kept_blocks": 3)", "'kept_blocks' belongs to 'block', which is not given"},
       {R"("block": 2, "kept_blocks": 3, "mask": "none")", "the mask 'block' and 'kept_blocks'"},
       {R"("bias_bits": 8)", "'bias_bits' belongs to 'bias', got false"},
       {R"("bias_nonzeros": 2)", "'bias_nonzeros' belongs to 'bias'"},
       {R"("bias_add_bits": 16)", "'bias_add_bits' belongs to 'bias'"},
       {R"("scale_bits": 16)", "'scale_bits' belongs to 'scales', got 0"},
       {R"("scales": 3)", "expected 1 or 4, one for everything or one each, got 3"},
       {R"("weight_zero_points": 3)", "expected 1 or 4"},
       {R"("sparsity_mode": "real")", "'sparsity_mode' belongs to 'sparsity'"},
       {R"("weight_encoding": "binary", "nonzeros": 3)", "make them 'ternary'"},
       {R"("weight_encoding": "codebook")", "needs 'codebook_entries'"},
       {R"("weight_encoding": "ternary", "nonzeros": 3, "weight_bits": 2)", "stores 2 bits each"},
       {R"("input_zero_point_bits": 8)", "'input_zero_point_bits' belongs to 'input_type'"},
       {R"("input_zero_point_folded": false)", "belongs to 'input_zero_point_bits'"},
       {R"("accumulator": "fixed")", "the accumulator 'fixed' needs 'accumulator_bits'"},
       {R"("accumulator_bits": 16)", "'accumulator_bits' belongs to 'accumulator'"},
       {R"("block": 2, "kept_blocks": [1, 2, 3])", "expected 2 counts, one per row of blocks, got 3"},
       {R"("block": 2, "kept_blocks": [1, 6])", "a row has 5 blocks, 6 kept ones do not fit"}});
  expect_refused(R"("scale", "channels": 3)", {{R"("bias_bits": 8)", "belongs to 'bias'"}});
  expect_refused(R"("batch_norm", "channels": 3)",
                 {{R"("scale_folded": true, "scale_bits": 16)", "belongs to 'scale_folded' false, got true"}});
  expect_refused(R"("quantize", "channels": 3)",
                 {{R"("scale_bits": 16)", "belongs to 'scales'"}, {R"("scales": 2)", "expected 1 or 3"}});
  expect_refused(R"("lookup", "channels": 3)", {{R"("input_bits": 33)", "expected at most 2^32, or 'entries'"}});
  expect_refused(R"("tanh", "channels": 3)", {{R"("bits": 16)", "unknown field 'bits', expected one of: kind, name"}});
}

TEST(Refusals, TestSetsThatContradict) {
  const std::string relu = R"({"kind": "relu", "channels": 3})";
  EXPECT_NE(refusal(relu, R"("examples": 500, "accuracy": {"correct": 8000, "total": 10000}, )")
                .find("accuracy.total: accuracy of 10000 test examples, but 'examples' says 500"),
            std::string::npos);
  EXPECT_NE(refusal(relu, R"("accuracy": {"correct": 8000}, )").find("'correct' belongs to 'total'"),
            std::string::npos);
  EXPECT_NE(refusal(relu, R"("accuracy": {"perplexity": 0.99}, )").find("a number in [1,"), std::string::npos);
  EXPECT_NE(message_of([&] {
              make_sheet(list_of(relu).walk, policy_named("strict"), track_named("wikitext103"), {0, 0, Ratio(0)});
            }).find("perplexity: expected at least 1, got 0"),
            std::string::npos);
}

TEST(Refusals, Sources) {
  const std::string two =
      R"({"kind": "relu", "name": "a", "channels": 7}, {"kind": "relu", "name": "b", "channels": 8}, )";
  EXPECT_NE(refusal(R"({"kind": "relu", "name": "a", "channels": 7, "from": "a"})").find("no earlier layer 'a'"),
            std::string::npos);
  EXPECT_NE(refusal(two + R"({"kind": "add", "channels": 7, "inputs": 3, "from": ["a", "a"]})")
                .find("2 sources are named, 'inputs' says 3"),
            std::string::npos);
  EXPECT_NE(refusal(two + R"({"kind": "copy", "channels": 16, "from": ["a", "b"]})").find("the sources give 15x1x1"),
            std::string::npos);
  EXPECT_NO_THROW(list_of(two + R"({"kind": "copy", "channels": 15, "from": ["a", "b"]})"));
  EXPECT_NO_THROW(list_of(two + R"({"kind": "copy", "channels": 8, "size": 4, "from": "b"},
                                   {"kind": "copy", "channels": 128, "from": "copy-2"})"));
}

TEST(Refusals, StayOnOneLine) {
  const std::string relu = R"("kind": "relu", "channels": 3)";
  EXPECT_EQ(refusal(R"({"kind": "a\nb"})").find('\n'), std::string::npos);
  EXPECT_NE(refusal(R"({"kind": "a\nb"})").find(R"(unknown kind 'a\nb')"), std::string::npos);
  EXPECT_NE(refusal("{" + relu + R"(, "a\u001b[31mb": 1})").find(R"(unknown field 'a\u001b[31mb')"), std::string::npos);
  EXPECT_NE(refusal("{" + relu + R"(, "name": "a\nb"})").find("a text without control characters"), std::string::npos);
  EXPECT_NE(message_of([] {
              read_oplist(R"({"format": "carat-oplist", "name": "a\nb", "layers": [{"kind": "relu", "channels": 3}]})",
                          "x");
            }).find("a text without control characters"),
            std::string::npos);
  // The place is said once.
  EXPECT_EQ(refusal(R"({"kind": "operations", "operation": "add", "count": -5})"),
            "list:1:107: layers[0].count: operations-0: expected a number in [0, 1125899906842624], got -5");
}

TEST(Refusals, OverflowNamesItsLayer) {
  const std::string norm =
      R"({"kind": "layer_norm", "name": "big", "features": 1099511627776, "positions": 1099511627776})";
  EXPECT_EQ(message_of([&] { ledger_of(norm); }).rfind("layer big: the count ", 0), 0U);
  EXPECT_NE(refusal(R"({"kind": "relu", "name": "wide", "channels": 1099511627776, "size": 1048576})").find("wide: "),
            std::string::npos);
}

TEST(Numbers, IntegralOnesMayHaveAPoint) {
  // As JSON Schema's integer.
  EXPECT_EQ(ledger_of(R"({"kind": "relu", "channels": 10.0, "bits": 8.0})").op_bits(), Ratio(80));
  EXPECT_NE(refusal(R"({"kind": "relu", "channels": 10.5})").find("got 10.5"), std::string::npos);
}

// 4 times as many layers, not 16 times as long.
TEST(Reading, TimeIsLinearInLayers) {
  const auto ticks = [](int layers) {
    std::string text = R"({"kind": "relu", "channels": 3})";
    for (int i = 1; i < layers; ++i) text += R"(,{"kind": "relu", "channels": 3})";
    const std::clock_t start = std::clock();  // of the processor: others may be busy
    list_of(text);
    return static_cast<double>(std::clock() - start);
  };
  const double small = ticks(20000);
  EXPECT_LT(ticks(80000), 10 * small);
}

}  // namespace
}  // namespace carat
