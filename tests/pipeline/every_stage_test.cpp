// SPDX-License-Identifier: Apache-2.0
// Every row of the stage catalogue, in its order, with default options on the tiny network: twice the same bytes, the
// same bytes after an interruption at every checkpoint or record, the invariants, and an unknown key.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "models/weights/safetensors.h"
#include "pipeline/invariants.h"
#include "pipeline/recipe.h"
#include "pipeline/run_context.h"
#include "tests/support/files.h"

namespace carat {
namespace {

struct Interrupted {};

// Throws right after the checkpoint or record number `last`.
class InterruptedContext : public RunContext {
 public:
  template <typename... Arguments>
  explicit InterruptedContext(int last, Arguments&&... arguments)
      : RunContext(std::forward<Arguments>(arguments)...), last_(last) {}

  // Often enough to stop in the middle of an epoch.
  bool checkpoint_is_due() override { return ++asked_ % 7 == 0; }
  void save_checkpoint(const std::string& bytes) override {
    RunContext::save_checkpoint(bytes);
    count();
  }
  void append_record(const std::string& record) override {
    RunContext::append_record(record);
    count();
  }

 private:
  void count() {
    if (++saved_ == last_) throw Interrupted{};
  }
  int last_;
  int asked_ = 0;
  int saved_ = 0;
};

// These replace the network and stand first: start_test runs them.
bool starts_a_recipe(const StageInfo& info) { return info.name == "select" || info.name == "load"; }

class EveryStage : public testing::Test {
 protected:
  void SetUp() override {
    std::string text = "track: synthetic\nmodel: {name: resnet8, width: 4}\ndata: {name: synthetic, held_back: 2000}\n";
    text += "stages:\n";
    for (const StageInfo& info : stage_catalog())
      if (!starts_a_recipe(info)) text += "  - " + info.name + "\n";
    write_atomically(folder_ / "every.yaml", text);
    recipe_ = read_recipe(folder_ / "every.yaml", {"data.held_back=200", "stages.sensitivity.images=200"});
    data_.training = open_dataset(recipe_.data, Split::train);
    data_.test = open_dataset(recipe_.data, Split::test);
    data_.split = hold_back(data_.training, recipe_.held_back, recipe_.seed);
    settings_.loader_threads = 2;
    settings_.track = recipe_.track;
  }

  // Runs stage i on a copy of the model; interrupted after that many checkpoints again and again until it ends.
  Model outcome(size_t i, const Model& before, ArtifactStore& store, int interrupt_after) {
    const RecipeStage& stage = recipe_.stages[i];
    for (int attempt = 0;; ++attempt) {
      EXPECT_LT(attempt, 1000) << stage.id << ": makes no progress between interruptions";
      const std::unique_ptr<StoreWork> work = store.begin(stage.id);
      InterruptedContext context(interrupt_after, settings_, data_, earlier_, console_, *work, stage.id);
      Model model = before;
      try {
        stage.stage->run(model, context);
      } catch (const Interrupted&) {
        ++interruptions_;
        continue;
      }
      folders_.push_back(work->finish());
      return model;
    }
  }

  // Names and contents of a result's files.
  static std::map<std::string, std::string> files_of(const std::filesystem::path& folder) {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
      if (entry.path().filename() != "lock") files[entry.path().filename()] = read_text(entry.path());
    return files;
  }

  TemporaryFolder folder_;
  Recipe recipe_;
  RunData data_;
  RunSettings settings_;
  std::vector<EarlierStage> earlier_;
  std::vector<std::filesystem::path> folders_;
  Console console_;
  int interruptions_ = 0;
};

TEST_F(EveryStage, GivesTheSameBytesTwiceAndAfterInterruptions) {
  ArtifactStore first(folder_ / "first");
  ArtifactStore second(folder_ / "second");
  ArtifactStore third(folder_ / "third");
  Model model = initialize(recipe_.graph, recipe_.seed);
  bool is_dense = true;
  for (size_t i = 0; i < recipe_.stages.size(); ++i) {
    SCOPED_TRACE(recipe_.stages[i].id);
    folders_.clear();
    const Model after = outcome(i, model, first, -1);
    const std::string bytes = to_safetensors(after);
    EXPECT_EQ(to_safetensors(outcome(i, model, second, -1)), bytes);
    EXPECT_EQ(to_safetensors(outcome(i, model, third, 3)), bytes);
    EXPECT_EQ(files_of(folders_[1]), files_of(folders_[0]));
    EXPECT_EQ(files_of(folders_[2]), files_of(folders_[0]));
    const Stage& stage = *recipe_.stages[i].stage;
    check_invariants(recipe_.stages[i].id, model, after, {stage.changes_structure(), stage.changes_scales()});
    EXPECT_EQ(to_safetensors(model_from_safetensors(bytes, "saved")), bytes);
    is_dense = is_dense && (recipe_.stages[i].info->name == "train" || recipe_.stages[i].info->name == "sensitivity");
    earlier_.push_back({recipe_.stages[i].info->name, folders_[0], is_dense});
    if (is_dense) write_atomically(folders_[0] / "model.safetensors", bytes);
    model = after;
  }
  EXPECT_GT(interruptions_, 10);
}

TEST_F(EveryStage, RefusesAnUnknownKeyWithItsPlace) {
  for (const StageInfo& info : stage_catalog()) {
    const std::string model = info.name == "select" ? "\n" : "model: {name: resnet8, width: 4}\n";
    const std::string text = "track: synthetic\n" + model + "data: {name: synthetic, held_back: 200}\n";
    write_atomically(folder_ / "bad.yaml", text + "stages:\n  - " + info.name + ": {no_such_key: 1}\n");
    const std::string message = message_of([&] { read_recipe(folder_ / "bad.yaml", {}); });
    const std::string place = fmt::format("bad.yaml:5:{}: ", 8 + info.name.size());
    EXPECT_NE(message.find(place), std::string::npos) << message;
    EXPECT_NE(message.find("no_such_key"), std::string::npos) << message;
  }
}

}  // namespace
}  // namespace carat
