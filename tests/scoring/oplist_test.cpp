// SPDX-License-Identifier: Apache-2.0
// Operation lists: what is refused, and with which line; the schema and the reference page.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "tests/scoring/support.h"
#include "tests/support/files.h"

namespace carat {
namespace {

struct Bad {
  const char* layers;
  const char* message;
};

std::string refusal(const std::string& text) {
  return message_of([&] { read_oplist(text, "list.json"); });
}

TEST(OpList, RefusesWithOneLine) {
  const std::vector<Bad> cases = {
      {R"({"kind": "conv3d"})", "unknown kind 'conv3d'"},
      {R"({"kind": "conv3d"})", "did you mean 'conv2d'?"},
      {R"({"kind": "linear", "in_features": 4, "out_features": 2, "weigth_bits": 4})", "did you mean 'weight_bits'?"},
      {R"({"kind": "linear", "in_features": 4})", "expected the field 'out_features' (outputs), it is missing"},
      {R"({"kind": "linear", "in_features": -4, "out_features": 2})",
       "expected an integer in [1, 1099511627776], got -4"},
      {R"({"kind": "linear", "in_features": 4.5, "out_features": 2})", "got 4.5"},
      {R"({"kind": "linear", "in_features": 1e400, "out_features": 2})", "number overflow"},
      {R"({"kind": "linear", "in_features": 99999999999999999999, "out_features": 2})", "got 1e+20"},
      {R"({"kind": "linear", "in_features": NaN, "out_features": 2})", "expected JSON"},
      {R"({"kind": "linear", "in_features": 4, "in_features": 5, "out_features": 2})", "given twice"},
      {R"({"kind": "linear", "in_features": 4, "out_features": 2, "nonzeros": 9})", "8 weights, got 9 nonzeros"},
      {R"({"kind": "linear", "in_features": 4, "out_features": 2, "nonzeros_per_kernel": [1]})", "expected 2 counts"},
      {R"({"kind": "linear", "in_features": 4, "out_features": 2, "nonzeros_per_kernel": [1, 5]})",
       "5 nonzeros do not fit"},
      {R"({"kind": "linear", "in_features": 4, "out_features": 2, "sparsity": 1.5})", "a number in [0, 1], got 1.5"},
      {R"({"kind": "linear", "in_features": 4, "out_features": 2, "nonzeros": 1, "sparsity": 0})", "expected one of"},
      {R"({"kind": "linear", "in_features": 4, "out_features": 2, "accumulator": "tree"})",
       "needs inputs that are codes"},
      {R"({"kind": "linear", "in_features": 4, "out_features": 2, "accumulator": "fixed"})", "accumulator_bits"},
      {R"({"kind": "linear", "in_features": 4, "out_features": 2, "accumulator": "float23"})", "nearest: float32"},
      {R"({"kind": "linear", "in_features": 4, "out_features": 2, "weight_bits": 65})", "in [1, 64], got 65"},
      {R"({"kind": "linear", "in_features": 4, "out_features": 2, "after": "x"})", "no exit 'x'"},
      {R"({"kind": "conv2d", "in_channels": 3, "out_channels": 2, "input": 4, "kernel": 9, "padding": "valid"})",
       "a window of 9 does not fit an input of 4"},
      {R"({"kind": "conv2d", "in_channels": 3, "out_channels": 2, "input": 4, "groups": 2})", "2 groups do not divide"},
      {R"({"kind": "conv2d", "in_channels": 3, "out_channels": 2, "input": 4, "output": 3})", "shapes do not fit"},
      {R"({"kind": "linear", "in_features": 1099511627776, "out_features": 9999999, "positions": 1099511627776})",
       "does not fit 64 bits"},
      {R"({"kind": "linear", "in_features": 4, "out_features": 99999999999})", "kernels, at most"},
      {R"({"kind": "relu", "name": "a", "channels": 4}, {"kind": "relu", "name": "a", "channels": 4})", "used twice"},
      {R"({"kind": "relu", "name": "a", "channels": 4}, {"kind": "linear", "from": "a", "in_features": 5, "out_features": 2})",
       "this layer reads 5"},
      {R"({"kind": "relu", "from": "b", "channels": 4})", "no earlier layer 'b'"},
      {R"({"kind": "relu", "channels": 4, "executed": [3, 2]})", "part <= whole"},
      {R"(7)", "expected an object with a text field 'kind'"},
  };
  for (const Bad& bad : cases) {
    const std::string message =
        refusal(std::string(R"({"format": "carat-oplist", "name": "n", "layers": [)") + bad.layers + "]}");
    EXPECT_NE(message.find(bad.message), std::string::npos) << bad.layers << "\n" << message;
    EXPECT_EQ(message.rfind("list.json:", 0), 0U) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  }
}

TEST(OpList, NamesLineAndColumn) {
  EXPECT_EQ(refusal("{\n \"format\": \"carat-oplist\", \"name\": \"n\",\n \"layers\": [\n  {\"kind\": \"relu\",\n"
                    "   \"channels\": 0}\n ]\n}\n"),
            "list.json:5:16: layers[0].channels: relu-0: expected an integer in [1, 1099511627776], got 0");
  EXPECT_EQ(refusal("{\"format\": \"carat-oplist\",\n\"name\": \"n\",\n\"layers\": [}").substr(0, 31),
            "list.json:3:12: expected JSON: ");
}

TEST(OpList, HostileFiles) {
  EXPECT_NE(refusal(std::string(100000, '[')).find("nested deeper"), std::string::npos);
  EXPECT_NE(refusal("").find("expected JSON"), std::string::npos);
  EXPECT_NE(refusal("{}").find("carat-oplist"), std::string::npos);
  EXPECT_NE(refusal(R"({"format": "carat-oplist", "name": "n"})").find("'layers', it is missing"), std::string::npos);
  EXPECT_NE(refusal(R"({"format": "carat-oplist", "name": "n", "layers": []})").find("at least one layer"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"format": "carat-oplist", "name": "n", "track": "cifar10", "layers": [7]})").find("cifar100"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"format": "carat-oplist", "name": "n", "accuracy": {"correct": 3, "total": 2}, "layers": [7]})")
                .find("3 correct of 2"),
            std::string::npos);
  EXPECT_NE(
      refusal(
          R"({"format": "carat-oplist", "name": "n", "examples": 2, "exits": [{"name": "a", "leave": 3}], "layers": [7]})")
          .find("more examples leave"),
      std::string::npos);
  EXPECT_NE(refusal(R"({"format": "carat-oplist", "version": 2, "name": "n", "layers": [7]})").find("in [1, 1], got 2"),
            std::string::npos);
}

TEST(OpList, OwnTrackAndAccuracy) {
  const OpList list = list_of(R"({"kind": "relu", "channels": 4})",
                              R"("track": {"params": 100, "ops": 200, "gate_correct": 3, "gate_total": 4},
                                 "accuracy": {"correct": 4, "total": 4}, )");
  ASSERT_TRUE(list.track.has_value());
  const ScoreSheet sheet = make_sheet(list.walk, policy_named("strict"), *list.track, list.accuracy);
  EXPECT_DOUBLE_EQ(sheet.score(), 4.0 / 200.0);
  EXPECT_EQ(sheet.gate(), Gate::pass);
}

TEST(OpList, ChecksShapesAlongFrom) {
  EXPECT_NO_THROW(list_of(
      R"({"kind": "conv2d", "name": "a", "in_channels": 3, "out_channels": 8, "kernel": 3, "stride": 2, "input": 8},
         {"kind": "global_avg_pool", "name": "b", "from": "a", "channels": 8, "input": 4},
         {"kind": "multiply", "name": "c", "from": ["a", "b"], "channels": 8, "size": 4},
         {"kind": "linear", "from": "c", "in_features": 128, "out_features": 10})"));
}

TEST(Docs, SchemaAndReferenceAreCurrent) {
  EXPECT_EQ(read_text(source_folder() + "/docs/oplist.schema.json"), oplist_schema())
      << "carat oplist --schema > docs/oplist.schema.json";
  EXPECT_EQ(read_text(source_folder() + "/docs/oplist.md"), oplist_reference()) << "carat oplist > docs/oplist.md";
}

// The complete example of docs/scoring_rules.md, with the totals that the page works out.
TEST(Docs, ExampleScoresAsWritten) {
  const std::string page = read_text(source_folder() + "/docs/scoring_rules.md");
  const size_t begin = page.find("```json\n") + 8;
  const OpList list = read_oplist(page.substr(begin, page.find("```", begin) - begin), "docs/scoring_rules.md");
  const ScoreSheet sheet = make_sheet(list.walk, policy_named("strict"), *list.track, list.accuracy);
  EXPECT_NE(page.find("param_bits = " + sheet.param_bits.text()), std::string::npos) << sheet.param_bits.text();
  EXPECT_NE(page.find("bit_ops = " + sheet.bit_ops.text()), std::string::npos) << sheet.bit_ops.text();
  EXPECT_NE(page.find("score = " + fmt::format("{:.9f}", sheet.score())), std::string::npos) << sheet.score();
}

}  // namespace
}  // namespace carat
