// SPDX-License-Identifier: Apache-2.0
// Every file of tests/recipes/bad opens with the message it must produce; every recipe of the project is good.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

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
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(source_folder() + "/recipes")) {
    const bool needs_data = read_text(entry.path().string()).find("$CARAT_DATA/") != std::string::npos;
    if (needs_data && std::getenv("CARAT_DATA") == nullptr) {
      std::cout << entry.path().filename().string() << ": not read, it needs CARAT_DATA\n";
      continue;
    }
    const Recipe recipe = read_recipe(entry.path().string(), {});
    EXPECT_EQ(recipe.predictions.size(), recipe.stages.size());
    ++files;
  }
  EXPECT_GE(files, 2);
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
