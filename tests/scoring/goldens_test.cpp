// SPDX-License-Identifier: Apache-2.0
// Published scores to their printed digits, from operation lists and from real tensors (CARAT_DATA).
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/file.h"
#include "cli/score_input.h"
#include "models/zoo/zoo.h"
#include "scoring/declare.h"
#include "scoring/oplist.h"
#include "scoring/score_sheet.h"
#include "tests/support/files.h"

namespace carat {
namespace {

struct Golden {
  double params;
  double ops;
  double score;
};

Golden golden(const std::string& id) {
  static const nlohmann::json file = nlohmann::json::parse(read_text(source_folder() + "/tests/golden/scores.json"));
  for (const nlohmann::json& entry : file["goldens"])
    if (entry["id"] == id) return {entry["params"], entry["ops"], entry["score"]};
  throw Error("no golden " + id);
}

OpList oplist(const std::string& name) {
  const std::string path = source_folder() + "/oplists/" + name + ".json";
  return read_oplist(read_text(path), path);
}

ScoreSheet sheet_of(const Walk& walk, const std::string& policy, const std::string& track) {
  return make_sheet(walk, policy_named(policy), track_named(track), {});
}

// Doubles that came from other orders of summation: 15 significant digits.
void expect_equal(double found, double expected, const std::string& what) {
  EXPECT_NEAR(found, expected, std::abs(expected) * 1e-15 * 4) << what;
}

void expect_golden(const ScoreSheet& sheet, const std::string& id) {
  const Golden g = golden(id);
  expect_equal(sheet.params(), g.params, id);
  expect_equal(sheet.ops(), g.ops, id);
  expect_equal(sheet.score(), g.score, id);
}

void check_riair(const Walk& walk) {
  for (int type = 0; type < 7; ++type) {
    const std::string number = std::to_string(type);
    expect_golden(sheet_of(walk, "as-published:riair-type" + number, "cifar100"),
                  "riair-cifar-type" + number + "-as-published");
    expect_golden(sheet_of(walk, "as-published:riair-type" + number + "-mended", "cifar100"),
                  "riair-cifar-type" + number + "-slips-S1S2-fixed");
  }
  const ScoreSheet strict = sheet_of(walk, "strict", "cifar100");
  expect_golden(strict, "riair-cifar-strict-tree");
  EXPECT_EQ(strict.bit_ops, Ratio(int64_t{31664255} * 32));
  EXPECT_EQ(strict.param_bits, Ratio(1990498));
  Walk floats = walk;
  declare(floats, "float32-accumulators");
  expect_golden(sheet_of(floats, "strict", "cifar100"), "riair-cifar-strict-fp32");
  Walk scales = walk;
  declare(scales, "float32-scales");
  const ScoreSheet honest = sheet_of(scales, "strict", "cifar100");
  EXPECT_EQ(honest.param_bits - strict.param_bits, Ratio(12523 * 32));
  EXPECT_EQ(honest.bit_ops - strict.bit_ops, Ratio(int64_t{2298290} * 32));
  EXPECT_NEAR(honest.score(), 0.00528, 5e-6);
}

TEST(Riair, FromTheLayerTable) { check_riair(oplist("riair_cifar100").walk); }

TEST(Riair, FromTheRealTensors) {
  const char* root = std::getenv("CARAT_DATA");
  const std::string path = std::string(root != nullptr ? root : "") + "/entries/casia-cifar100-int8.safetensors";
  if (root == nullptr || !std::filesystem::exists(path)) GTEST_SKIP() << "CARAT_DATA has no entries/";
  const ScoreInput input = read_score_input(path, "");
  EXPECT_EQ(input.track, "cifar100");
  check_riair(input.walk);
  // The same rows as from the table, in another order of layers' names.
  EXPECT_EQ(sheet_of(input.walk, "strict", "cifar100").ledger.rows.size(),
            sheet_of(oplist("riair_cifar100").walk, "strict", "cifar100").ledger.rows.size());
}

using Table = std::vector<std::map<std::string, std::string>>;

Table read_table(const std::string& name) {
  std::istringstream lines(read_text(source_folder() + "/tests/golden/" + name));
  const auto cells_of = [](const std::string& line) {
    std::vector<std::string> cells;
    std::istringstream stream(line);
    for (std::string cell; std::getline(stream, cell, ',');) cells.push_back(cell);
    return cells;
  };
  std::string line;
  std::getline(lines, line);
  const std::vector<std::string> header = cells_of(line);
  Table table;
  while (std::getline(lines, line)) {
    const std::vector<std::string> cells = cells_of(line);
    std::map<std::string, std::string> row;
    for (size_t i = 0; i < header.size(); ++i) row[header[i]] = i < cells.size() ? cells[i] : "";
    table.push_back(row);
  }
  return table;
}

struct LayerSums {
  Ratio mults;
  Ratio adds;
  Ratio params;
};

std::map<std::string, LayerSums> sums_by_layer(const ScoreSheet& sheet) {
  std::map<std::string, LayerSums> sums;
  for (const Row& row : sheet.ledger.rows) {
    LayerSums& layer = sums[row.layer];
    const bool is_add = row.what.ends_with("add") || row.what == "transcendental";
    (row.part == Part::params ? layer.params : is_add ? layer.adds : layer.mults) += row.total_bits() / Ratio(32);
  }
  return sums;
}

TEST(Riair, EveryRowOfTheTable) {
  const auto sums =
      sums_by_layer(sheet_of(oplist("riair_cifar100").walk, "as-published:riair-type0-mended", "cifar100"));
  int64_t convolutions = 0;
  for (const auto& row : read_table("riair_cifar100_layers.csv")) {
    if (row.at("kind") != "conv2d" && row.at("kind") != "scale" && row.at("kind") != "linear") continue;
    const LayerSums& layer = sums.at(row.at("name"));
    EXPECT_DOUBLE_EQ(layer.mults.to_double(), std::stod(row.at("mul_ops"))) << row.at("name");
    EXPECT_DOUBLE_EQ(layer.adds.to_double(), std::stod(row.at("add_ops_tree"))) << row.at("name");
    EXPECT_DOUBLE_EQ(layer.params.to_double(), std::stod(row.at("param_words"))) << row.at("name");
    convolutions += row.at("kind") == "conv2d" ? 1 : 0;
  }
  EXPECT_EQ(convolutions, 99);
}

// The team's log prints integers; the table's derived columns are exact. The log counts a sigmoid's and a hard-swish's
// exponential among the multiplies, so what is compared there is the sum of both.
TEST(Rocker, Every311Rows) {
  const ScoreSheet sheet = sheet_of(oplist("rocker_imagenet").walk, "as-published:rocker", "imagenet");
  const auto sums = sums_by_layer(sheet);
  const Table table = read_table("rocker_imagenet_layers.csv");
  EXPECT_EQ(table.size(), 311U);
  for (const auto& row : table) {
    const LayerSums& layer = sums.at(row.at("layer"));
    const double mults = std::stod(row.at("derived_mul_ops"));
    const double adds = std::stod(row.at("derived_add_ops"));
    EXPECT_EQ((layer.mults + layer.adds).to_double(), mults + adds) << row.at("layer");
    if (row.at("type") != "Sigmoid") {
      EXPECT_EQ(layer.mults.to_double(), mults) << row.at("layer");
    }
    EXPECT_EQ(layer.params.to_double(), std::stod(row.at("derived_param_words"))) << row.at("layer");
  }
  const Golden g = golden("rocker-imagenet-6bit");
  EXPECT_EQ(sheet.params(), g.params);
  // The golden adds 52.9105 and 86.7540 million, each rounded to 100; the rows are exact.
  EXPECT_EQ(sheet.ops(), 52910475.5 + 86753972.5);
  EXPECT_NEAR(sheet.ops(), g.ops, 100.0);
  EXPECT_NEAR(sheet.score(), 0.1887063, 5e-8);  // its printed digits
}

// Re-scored from a log of truncated integers: 311 rows lose less than one unit in each of their columns.
TEST(Rocker, SecondEntryReproducesTheLeaderboard) {
  const ScoreSheet sheet = sheet_of(oplist("rocker_imagenet_8bit").walk, "as-published:rocker", "imagenet");
  const Golden g = golden("rocker-imagenet-8bit-rescored");
  EXPECT_GE(sheet.ops(), g.ops);
  EXPECT_LT(sheet.ops() - g.ops, 2 * 311);
  EXPECT_GE(sheet.params(), g.params);
  EXPECT_LT(sheet.params() - g.params, 311);
  EXPECT_NEAR(sheet.score(), g.score, 5e-6);
  EXPECT_NEAR(sheet.score(), 0.2053, 5e-5);  // the leaderboard
}

OpList efficientnet(double sparsity) {
  nlohmann::json json = nlohmann::json::parse(read_text(source_folder() + "/oplists/efficientnet_b0_official.json"));
  for (nlohmann::json& layer : json["layers"])
    if (layer.contains("bias")) layer["sparsity"] = sparsity;
  return read_oplist(json.dump(), "efficientnet");
}

TEST(Official, EfficientNetB0) {
  for (const auto& [sparsity, id] :
       std::map<double, std::string>{{0.0, "s0"}, {0.1, "s0.1"}, {0.5, "s0.5"}, {0.9, "s0.9"}})
    expect_golden(sheet_of(efficientnet(sparsity).walk, "official", "imagenet"),
                  "official-efficientnet-b0-" + id + "-freebie");
  expect_golden(sheet_of(efficientnet(0.0).walk, "official:32bit", "imagenet"), "official-efficientnet-b0-dense-32bit");
}

TEST(Official, PerLineGoldens) {
  // Printed to three decimals of a million: stem, head, fc. {line, mults, adds}.
  const auto rows = sheet_of(oplist("efficientnet_b0_official").walk, "official", "imagenet").ledger.rows;
  const std::map<std::string, std::pair<double, double>> lines = {
      {"stem", {6.021, 11.239}},    {"block_0", {5.821, 10.839}},   {"block_1", {17.010, 31.010}},
      {"block_5", {6.236, 12.000}}, {"block_11", {11.232, 22.132}}, {"block_15", {14.959, 29.689}},
      {"head", {10.129, 20.133}},   {"avg", {0.001, 0.061}},        {"fc", {0.640, 1.280}}};
  for (const auto& [line, expected] : lines) {
    double mults = 0.0;
    double adds = 0.0;
    for (const Row& row : rows) {
      if (row.part != Part::ops || (row.layer != line && row.layer.rfind(line + "/", 0) != 0)) continue;
      (row.bits == 16 ? mults : adds) += row.total_bits().to_double() / 32e6;
    }
    EXPECT_NEAR(mults, expected.first, 5.001e-4) << line;
    EXPECT_NEAR(adds, expected.second, 5.001e-4) << line;
  }
}

TEST(MitHanLab, AsRankedAndRevised) {
  for (int submission = 1; submission <= 3; ++submission) {
    const std::string number = std::to_string(submission);
    const Walk walk = oplist("mit_han_lab_" + number).walk;
    const ScoreSheet ranked = sheet_of(walk, "as-published:mit-han-lab", "wikitext103");
    const Golden g = golden("mit-han-sub" + number + "-dense-ops");
    EXPECT_EQ(ranked.params(), g.params);
    // The golden adds products of counts that were rounded to three decimals: 8,810,476.553 and 8,802,663.205.
    EXPECT_NEAR(ranked.ops(), g.ops, 1e-3);
    EXPECT_NEAR(ranked.score(), g.score, 1e-11);
    expect_golden(sheet_of(walk, "as-published:mit-han-lab-revised", "wikitext103"),
                  "mit-han-sub" + number + "-revised");
  }
}

ScoreSheet dense_sheet(const std::string& model, const ModelValues& options, const Shape& input, int64_t classes,
                       const std::string& policy, const std::string& track) {
  const ModelGraph graph = build_model(model, options, input, classes);
  return sheet_of(walk_network(graph, dense_counts(graph)), policy, track);
}

TEST(DenseNetworks, TwoTimesMultiplies) {
  expect_golden(dense_sheet("wide_resnet", {}, {3, 32, 32}, 100, "macs", "cifar100"), "wrn-28-10-dense-32bit-2mac");
  expect_golden(dense_sheet("mobilenet_v2", {{"width", 140}}, {3, 224, 224}, 1000, "macs", "imagenet"),
                "mobilenetv2-1.4-dense-32bit-2mac");
}

TEST(DenseNetworks, QualcommsSelfCheck) {
  // Published 37,678,095; recomputed 36,518,832 x 33 / 32 + 17,952 + 100 = 37,678,097.5: the mask on a dense tensor.
  const ScoreSheet sheet = dense_sheet("wide_resnet", {}, {3, 32, 32}, 100, "as-published:qualcomm", "cifar100");
  EXPECT_EQ(sheet.params(), 37678097.5);
  // Published 10,491,105,563 operations; recomputed 641 more: dot products, and three per batch norm element.
  Ratio ops = 0;
  for (const Row& row : sheet.ledger.rows)
    if (row.what == "mult" || row.what == "add" || row.what == "relu" || row.kind == "batch_norm")
      if (row.part == Part::ops) ops += row.total_bits() / Ratio(32);
  EXPECT_EQ(ops, Ratio(int64_t{10491105563} + 641));
}

TEST(RuleExample, R5) { EXPECT_NEAR(3.0 / 6.9 + 500.0 / 1170.0, golden("rule-example").score, 1e-15); }

TEST(Goldens, EveryCaseIsTested) {
  // 16 RIAIR, 2 Rocker, 5 official, 6 MIT-HAN-Lab, 1 example, 2 dense networks.
  const nlohmann::json file = nlohmann::json::parse(read_text(source_folder() + "/tests/golden/scores.json"));
  EXPECT_EQ(file["goldens"].size(), 16U + 2 + 5 + 6 + 1 + 2);
}

}  // namespace
}  // namespace carat
