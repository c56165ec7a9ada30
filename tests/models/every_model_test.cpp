// SPDX-License-Identifier: Apache-2.0
// Being listed in the zoo means being counted, dumped and stored.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "base/file.h"
#include "models/graph/dump.h"
#include "models/weights/fold.h"
#include "models/weights/graph_json.h"
#include "models/weights/safetensors.h"
#include "models/zoo/zoo.h"
#include "tests/support/files.h"

namespace carat {
namespace {

TEST(EveryModel, HasItsPublishedCounts) {
  for (const ZooEntry& entry : zoo()) {
    ASSERT_FALSE(entry.variants.empty()) << entry.name;
    for (const ZooVariant& counts : entry.variants) {
      const ModelGraph graph = build_network(counts).graph;
      int64_t weights = 0;
      int64_t batch_norm = 0;
      int64_t biases = 0;
      for (const LayerSpec& layer : graph.layers()) {
        if (has_weights(layer)) weights += graph.weight_count(layer);
        if (layer.op == OpKind::batch_norm) batch_norm += 2 * graph.shape_of(layer.name).channels;
        if (layer.has_bias && has_weights(layer)) biases += layer.out_channels;
      }
      EXPECT_EQ(weights, counts.weights) << counts.name;
      EXPECT_EQ(batch_norm, counts.batch_norm_values) << entry.name;
      EXPECT_EQ(biases, counts.biases) << entry.name;
      EXPECT_EQ(count_mults(graph), counts.mults) << entry.name;
    }
  }
}

// Rows of tools/count_networks.py: variant, package, network, pixels, weights, batch_norm_values, biases, mults.
TEST(EveryModel, CountsEqualPyTorchs) {
  std::istringstream lines(read_text(source_folder() + "/tests/golden/network_counts.csv"));
  int64_t rows = 0;
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    std::vector<std::string> cells;
    std::istringstream row(line);
    for (std::string cell; std::getline(row, cell, ',');) cells.push_back(cell);
    ASSERT_EQ(cells.size(), 8U) << line;
    const ZooVariant* variant = zoo_variant(cells[0]);
    ASSERT_NE(variant, nullptr) << cells[0];
    EXPECT_EQ(std::to_string(variant->input.height), cells[3]) << line;
    EXPECT_EQ(fmt::format("{},{},{},{}", variant->weights, variant->batch_norm_values, variant->biases, variant->mults),
              fmt::format("{},{},{},{}", cells[4], cells[5], cells[6], cells[7]))
        << line;
    ++rows;
  }
  EXPECT_EQ(rows, 16);
}

// A layout names every layer that has numbers, each by a name of its own.
TEST(EveryModel, LayoutsAreComplete) {
  for (const ZooEntry& entry : zoo())
    for (const ZooVariant& variant : entry.variants) {
      const ZooNetwork network = build_network(variant);
      for (const auto& [layout, names] : network.names.layouts()) {
        std::set<std::string> theirs;
        for (const LayerSpec& layer : network.graph.layers()) {
          if (!has_numbers(layer)) continue;
          ASSERT_TRUE(names.contains(layer.name)) << variant.name << " " << layout << " " << layer.name;
          EXPECT_TRUE(theirs.insert(names.at(layer.name)).second) << variant.name << " " << layout << " " << layer.name;
        }
        EXPECT_EQ(theirs.size(), names.size()) << variant.name << " " << layout;
      }
    }
}

TEST(EveryModel, SurvivesJsonAndSafetensors) {
  for (const ZooEntry& entry : zoo()) {
    const ZooVariant& variant = entry.variants.front();
    const ModelGraph graph = build_network(variant).graph;
    EXPECT_EQ(graph_from_json(to_json(graph), "test"), graph);
    EXPECT_NE(to_table(graph).find(graph.output().name), std::string::npos);
    EXPECT_EQ(to_graphviz(graph).rfind("digraph", 0), 0U);
    const bool is_quantized = !variant.track.empty() && variant.batch_norm_values == 0;
    constexpr int64_t kLargest = 10'000'000;  // weights: larger networks take seconds
    if (is_quantized || variant.weights > kLargest) continue;
    const Model model = initialize(graph, 5);
    const std::string bytes = to_safetensors(model);
    const Model back = model_from_safetensors(bytes, "test");
    EXPECT_EQ(back.graph, graph);
    EXPECT_EQ(back.buffers, model.buffers);
    EXPECT_EQ(to_safetensors(back), bytes);
  }
}

TEST(EveryModel, FoldsBatchNormWhereAConvolutionIsBefore) {
  for (const ZooEntry& entry : zoo()) {
    const ModelGraph graph = build_network(entry.variants.front()).graph;
    const ModelGraph folded = fold_graph(graph);
    EXPECT_EQ(folded.output_shape(folded.size() - 1), graph.output_shape(graph.size() - 1)) << entry.name;
    EXPECT_EQ(count_mults(folded), count_mults(graph)) << entry.name;
    EXPECT_EQ(fold_graph(folded), folded) << entry.name;
  }
}

std::string all_names() {
  std::string names;
  for (const ZooEntry& entry : zoo()) {
    names += (names.empty() ? "" : ", ") + entry.name;
    for (const ZooVariant& variant : entry.variants)
      if (variant.name != entry.name) names += ", " + variant.name;
  }
  return names;
}

TEST(Zoo, NamesTheNearest) {
  EXPECT_EQ(message_of([] { zoo_entry("resnet9"); }),
            "unknown network 'resnet9', expected one of: " + all_names() + "; did you mean 'resnet8'?");
  EXPECT_EQ(message_of([] {
              build_model("resnet8", {{"widht", 3}}, {1, 8, 8}, 2);
            }),
            "network resnet8: unknown option 'widht', expected one of: width; did you mean 'width'?");
  EXPECT_EQ(message_of([] {
              build_model("densenet_bc", {{"depth", 99}}, {3, 32, 32}, 2);
            }),
            "network densenet_bc: depth: expected 4 more than a multiple of 6, got 99");
}

}  // namespace
}  // namespace carat
