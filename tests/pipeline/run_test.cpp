// SPDX-License-Identifier: Apache-2.0
// The whole pipeline as a user calls it: twice the same bytes, stored results, and kill -9 at random moments.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <set>
#include <thread>

#include "base/file.h"
#include "base/random.h"
#include "models/weights/safetensors.h"
#include "pipeline/pipeline.h"
#include "pipeline/stage_record.h"
#include "tests/support/files.h"
#include "tests/support/process.h"

namespace carat {
namespace {

std::string tiny() { return source_folder() + "/tests/recipes/tiny.yaml"; }

pid_t start(const std::string& runs, const std::vector<std::string>& more) {
  std::vector<std::string> words = {"run", tiny(), "--runs", runs, "--threads", "2", "--device", "cpu"};
  words.insert(words.end(), more.begin(), more.end());
  return start_engine(words);
}

struct Outcome {
  std::string packed;
  std::string sheet;
  bool operator==(const Outcome&) const = default;
};

Outcome outcome_of(const std::string& runs) {
  return {read_text(runs + "/tiny/stages/07-pack/model.carat"), read_text(runs + "/tiny/score_sheet.json")};
}

class RunTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    reference_folder_ = new TemporaryFolder;
    ASSERT_EQ(finish(start(reference_folder_->text(), {})), 0);
    reference_ = new Outcome(outcome_of(reference_folder_->text()));
  }
  static void TearDownTestSuite() {
    delete reference_;
    delete reference_folder_;
  }
  static TemporaryFolder* reference_folder_;
  static Outcome* reference_;
};

TemporaryFolder* RunTest::reference_folder_ = nullptr;
Outcome* RunTest::reference_ = nullptr;

// Dead kernels go without a change of the accuracy; finetune then trains in floating point and keeps the masks.
TEST(RewrittenRun, TrainsOnWithTheMasksThatAreLeft) {
  const TemporaryFolder runs;
  const std::string recipe = source_folder() + "/tests/recipes/rewritten.yaml";
  ASSERT_EQ(finish(start_engine({"run", recipe, "--runs", runs.text(), "--threads", "2", "--device", "cpu"})), 0);
  const auto model = [&](const std::string& stage) {
    return read_model(runs / ("rewritten/stages/" + stage + "/model.safetensors"));
  };
  const auto correct = [&](const std::string& stage) {
    return read_record(runs / ("rewritten/stages/" + stage + "/record.json")).correct;
  };
  const Model pruned = model("02-prune");
  const Model rewritten = model("03-rewrite");
  const Model trained = model("04-finetune");
  const auto kernels = [](const Model& m) {
    int64_t count = 0;
    for (const std::string& name : m.graph.weight_layers()) count += m.graph.layer(name).out_channels;
    return count;
  };
  EXPECT_LT(kernels(rewritten), kernels(pruned));
  EXPECT_EQ(correct("03-rewrite"), correct("02-prune"));
  EXPECT_EQ(trained.masks, rewritten.masks);
  EXPECT_NE(trained.buffers, rewritten.buffers);
}

// Quantized twice, trained in every way in between: the loop compares the packed file with the network (exit status).
TEST(QuantizedRun, GetsNarrowerByLayerAndStaysExact) {
  const TemporaryFolder runs;
  const std::string recipe = source_folder() + "/tests/recipes/quantized.yaml";
  ASSERT_EQ(finish(start_engine({"run", recipe, "--runs", runs.text(), "--threads", "2", "--device", "cpu"})), 0);
  const auto model = [&](const std::string& stage) {
    return read_model(runs / ("quantized/stages/" + stage + "/model.safetensors"));
  };
  const Model wide = model("04-finetune");
  const Model narrow = model("07-quantize");
  const Model fused = model("09-fuse");
  std::set<int64_t> widths;
  for (const std::string& layer : wide.graph.weight_layers()) {
    EXPECT_EQ(wide.graph.layer(layer).quant->bits(), 8);
    widths.insert(narrow.graph.layer(layer).quant->bits());
    EXPECT_TRUE(wide.buffers.contains(layer + ".unrounded"));
    EXPECT_FALSE(fused.buffers.contains(layer + ".unrounded"));
  }
  EXPECT_GE(widths.size(), 2U);
  EXPECT_LE(*widths.rbegin(), 6);
  std::set<int64_t> inputs;
  for (const LayerSpec& layer : narrow.graph.layers())
    if (layer.op == OpKind::activation_quant && layer.inputs.front() != narrow.graph.input().name)
      inputs.insert(layer.quant->bits());
  EXPECT_GE(inputs.size(), 2U);
  EXPECT_LE(*inputs.rbegin(), 6);
  const auto score = [&](const char* key) {
    const std::string sheet = read_text(runs / "quantized/score_sheet.json");
    const size_t at = sheet.find(std::string("\"") + key + "\": ");
    return at == std::string::npos ? 1e9 : std::stod(sheet.substr(at + std::string(key).size() + 4));
  };
  EXPECT_LE(score("score"), 0.14);
}

TEST_F(RunTest, WritesEveryFile) {
  for (const char* name :
       {"recipe.yaml", "run.json", "summary.csv", "cost.csv", "score_sheet.md", "score_sheet.json", "score_sheet.csv",
        "stages/02-sensitivity/sensitivity.csv", "stages/03-prune/allocation.csv", "stages/04-quantize/scales.csv"})
    EXPECT_FALSE(read_text(*reference_folder_ / ("tiny/" + std::string(name))).empty()) << name;
}

// Two threads go on where one thread stopped, once it is said that they may, and find that again.
TEST_F(RunTest, GoesOnFromAnotherDevicesStages) {
  const TemporaryFolder folder;
  const auto run = [&](const std::string& recipe, const std::vector<std::string>& more) {
    std::vector<std::string> words = {"run", folder / recipe, "--runs", folder.text(), "--device", "cpu"};
    words.insert(words.end(), more.begin(), more.end());
    EXPECT_EQ(finish(start_engine(words)), 0);
    const std::string summary = read_text(folder / (recipe.substr(0, recipe.find('.')) + "/summary.csv"));
    std::string reused;
    for (size_t end = summary.find('\n', summary.find('\n') + 1); end != std::string::npos;
         end = summary.find('\n', end + 1))
      reused += summary.substr(end - 4, 4) == "true" ? 'r' : '-';
    return reused;
  };
  const std::string head =
      "track: synthetic\nmodel: {name: resnet8, width: 4}\ndata: {name: synthetic, held_back: 200}\n"
      "stages:\n  - train: {epochs: 1, batch_size: 50}\n";
  const std::string prune = "  - prune: {target_sparsity: 0.5, allocation: global, retrain: {epochs: 1}}\n";
  write_atomically(folder / "short.yaml", head);
  write_atomically(folder / "whole.yaml", head + prune);
  EXPECT_EQ(run("short.yaml", {"--threads", "1"}), "-");
  EXPECT_EQ(run("whole.yaml", {"--threads", "2", "--any-device"}), "r-");
  EXPECT_EQ(run("whole.yaml", {"--threads", "2", "--any-device"}), "rr");
  EXPECT_EQ(run("whole.yaml", {"--threads", "2"}), "--");
  EXPECT_EQ(run("whole.yaml", {"--threads", "1"}), "r-");
}

TEST_F(RunTest, KilledTenTimesEndsWithTheSameBytes) {
  const TemporaryFolder folder;
  Random random({static_cast<int64_t>(getpid()), "test", "kill", 0});
  int killed = 0;
  for (int round = 0; round < 100 && killed < 10; ++round) {
    const pid_t child = start(folder.text(), {"--checkpoint-seconds", "0"});
    std::this_thread::sleep_for(std::chrono::milliseconds(400 + random.below(600)));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) {
      ++killed;
      continue;
    }
    // It ended before the kill: a whole run with interruptions. The next one starts from nothing.
    ASSERT_EQ(WEXITSTATUS(status), 0);
    EXPECT_EQ(outcome_of(folder.text()), *reference_);
    std::filesystem::remove_all(folder / "store");
  }
  EXPECT_EQ(killed, 10);
  ASSERT_EQ(finish(start(folder.text(), {})), 0);
  EXPECT_EQ(outcome_of(folder.text()), *reference_);
}

TEST_F(RunTest, SecondRunReusesAndAChangedOptionRerunsFromThere) {
  const std::string runs = reference_folder_->text();
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_EQ(finish(start(runs, {})), 0);
  EXPECT_LT(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(), 3.0);
  const auto reused = [&] {
    std::string flags;
    const std::string csv = read_text(runs + "/tiny/summary.csv");
    for (size_t at = csv.find('\n'); at + 1 < csv.size(); at = csv.find('\n', at + 1)) {
      const size_t end = csv.find('\n', at + 1);
      if (end != std::string::npos) flags += csv[end - 5] == ',' ? 't' : 'f';  // ",true" or "false"
    }
    return flags;
  };
  EXPECT_EQ(reused(), "tttttttt");
  ASSERT_EQ(finish(start(runs, {"--set", "stages.quantize.images=90"})), 0);
  EXPECT_EQ(reused(), "tttfffff");
  ASSERT_EQ(finish(start(runs, {"--fresh"})), 0);
  EXPECT_EQ(reused(), "ffffffff");
  EXPECT_EQ(outcome_of(runs), *reference_);
}

TEST(Docs, RecipePageIsWhatTheProgramPrints) {
  const TemporaryFolder folder;
  const std::string command = engine() + " stages --markdown > " + (folder / "stages.md");
  ASSERT_EQ(std::system(command.c_str()), 0);
  const std::string page = source_folder() + "/docs/recipes.md";
  if (!std::filesystem::exists(page)) GTEST_SKIP() << page << " is not here";
  EXPECT_NE(read_text(page).find(read_text(folder / "stages.md")), std::string::npos);
}

TEST_F(RunTest, BadRecipeExitsWithOneAndWritesNothing) {
  const TemporaryFolder folder;
  EXPECT_EQ(finish(start(folder / "runs", {"--set", "stages.prune.target_sparsity=2"})), 1);
  EXPECT_FALSE(std::filesystem::exists(folder / "runs"));
  EXPECT_EQ(finish(start(folder / "runs", {"--no-such-option"})), 2);
}

}  // namespace
}  // namespace carat
