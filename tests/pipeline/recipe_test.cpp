// SPDX-License-Identifier: Apache-2.0
// Every file of tests/recipes/bad opens with the message it must produce; every recipe of the project is good.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <set>

#include "base/file.h"
#include "pipeline/recipe.h"
#include "tests/support/files.h"

namespace carat {
namespace {

TEST(BadRecipes, ProduceTheirMessages) {
  const std::filesystem::path folder = source_folder() + "/tests/recipes/bad";
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with("_")) continue;
    const std::string text = read_text(entry.path());
    const std::string marker = "# expect: ";
    const size_t start = text.find(marker);
    ASSERT_NE(start, std::string::npos) << entry.path();
    const std::string expected = text.substr(start + marker.size(), text.find('\n', start) - start - marker.size());
    std::string message = message_of([&] { read_recipe(entry.path().string(), {}); });
    const std::string prefix = folder.string() + "/";
    for (size_t at = message.find(prefix); at != std::string::npos; at = message.find(prefix))
      message.erase(at, prefix.size());
    EXPECT_EQ(message, expected) << entry.path();
    ++files;
  }
  EXPECT_GE(files, 25);
}

TEST(GoodRecipes, AreAllChecked) {
  std::filesystem::current_path(source_folder());  // where they name files of the project from
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(source_folder() + "/recipes")) {
    const bool needs_data = read_text(entry.path().string()).find("$CARAT_DATA") != std::string::npos;
    if (needs_data && std::getenv("CARAT_DATA") == nullptr) {
      std::cout << entry.path().filename().string() << ": not read, it needs CARAT_DATA\n";
      continue;
    }
    const bool needs_root = read_text(entry.path().string()).find("--set data.root") != std::string::npos;
    if (needs_root) continue;  // read below, with a folder
    const Recipe recipe = read_recipe(entry.path().string(), {});
    EXPECT_EQ(recipe.predictions.size(), recipe.stages.size());
    ++files;
  }
  EXPECT_GE(files, 2);
}

// Folders of two empty images for each of 1,000 classes.
void make_image_folders(const TemporaryFolder& folder) {
  for (const char* split : {"train", "val"})
    for (int i = 0; i < 1000; ++i) {
      const std::string images = folder / fmt::format("{}/n{:08}", split, i);
      std::filesystem::create_directories(images);
      std::ofstream(images + "/1.jpg").flush();
      std::ofstream(images + "/2.jpg").flush();
    }
}

// Published: 5 bits but for the listed layers, activations of 7 bits.
TEST(GoodRecipes, TheWinnersWidthsOfMixNet) {
  const TemporaryFolder folder;
  make_image_folders(folder);
  const Recipe recipe =
      read_recipe(source_folder() + "/recipes/imagenet_mixnet_s.yaml", {"data.root=" + folder.text()});
  const std::set<size_t> seven = {0, 1, 2, 3, 4, 5, 6, 7, 19, 44, 50};
  const std::set<size_t> four = {95, 101, 102, 103, 104, 109, 110, 111, 112, 113, 120, 121};
  const std::set<size_t> three = {118, 119, 122, 123};
  const ModelGraph& graph = recipe.predictions[2].graph;
  const std::vector<std::string> layers = graph.weight_layers();
  ASSERT_EQ(layers.size(), 124U);
  for (size_t i = 0; i < layers.size(); ++i) {
    const LayerSpec& layer = graph.layer(layers[i]);
    EXPECT_EQ(layer.quant->bits(), seven.contains(i)   ? 7
                                   : four.contains(i)  ? 4
                                   : three.contains(i) ? 3
                                                       : 5)
        << layers[i];
    EXPECT_EQ(graph.layer(layer.inputs.front()).quant->bits(), i == 0 ? 8 : 7) << layers[i];
  }
  EXPECT_EQ(recipe.stages.back().info->name, "pack");
}

// 59.7 % of all weights: published, from the network's counts and the listed sparsities.
TEST(GoodRecipes, TheWinnersSparsitiesOfMixNet) {
  const TemporaryFolder folder;
  make_image_folders(folder);
  const std::string file = source_folder() + "/recipes/imagenet_mixnet_s_prune.yaml";
  const Recipe recipe = read_recipe(file, {"data.root=" + folder.text()});
  const Prediction& pruned = recipe.predictions.back();
  double zeros = 0.0;
  double weights = 0.0;
  for (const std::string& layer : pruned.graph.weight_layers()) {
    const auto count = static_cast<double>(pruned.graph.weight_count(pruned.graph.layer(layer)));
    zeros += (1.0 - pruned.density.at(layer)) * count;
    weights += count;
  }
  EXPECT_EQ(weights, 4094488.0);
  EXPECT_NEAR(zeros / weights, 0.597, 0.0005);
  EXPECT_EQ(
      message_of([&] {
        read_recipe(file, {"data.root=" + folder.text(), "stages.prune.sparsities=[0.1, 0.2]"});
      }).find("prune.sparsities: expected 124 numbers, one for every layer with weights, got 2") != std::string::npos,
      true);
}

// The 2019 winner on CIFAR-100: 75 % of the weights of all convolutions, the classifier whole.
TEST(GoodRecipes, TheWinnersSparsityOfDenseNet) {
  const Recipe recipe = read_recipe(source_folder() + "/recipes/cifar100_densenet_prune.yaml", {});
  const Prediction& pruned = recipe.predictions.back();
  double zeros = 0.0;
  double weights = 0.0;
  for (const std::string& layer : pruned.graph.weight_layers()) {
    if (layer == "classifier") continue;
    const auto count = static_cast<double>(pruned.graph.weight_count(pruned.graph.layer(layer)));
    zeros += (1.0 - pruned.density.at(layer)) * count;
    weights += count;
  }
  EXPECT_EQ(weights, 741744.0);
  EXPECT_NEAR(zeros / weights, 0.75, 0.0001);
  EXPECT_EQ(pruned.density.at("classifier"), 1.0);
}

TEST(Recipe, ResolvedTextIsARecipeWithTheSameResolvedText) {
  const Recipe first =
      read_recipe(source_folder() + "/recipes/demo.yaml", {"stages.prune.layers={\"stem*\": {sparsity: 0.1}}"});
  const TemporaryFolder folder;
  write_atomically(folder / "again.yaml", first.resolved);
  EXPECT_EQ(read_recipe(folder / "again.yaml", {}).resolved, first.resolved);
  EXPECT_NE(first.resolved.find("\"stem*\": {sparsity: 0.1}"), std::string::npos);
}

TEST(Recipe, OverridesAreCheckedTheSameWay) {
  const std::string demo = source_folder() + "/recipes/demo.yaml";
  EXPECT_EQ(
      message_of([&] { read_recipe(demo, {"stages.prune.target_sparsity=1.2"}); }),
      "--set stages.prune.target_sparsity=1.2: stages[2].prune.target_sparsity: expected a number in [0, 1), got 1.2");
}

}  // namespace
}  // namespace carat
