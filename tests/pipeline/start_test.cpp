// SPDX-License-Identifier: Apache-2.0
// The stages that a recipe may start with instead of train: load and select.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>

#include "base/file.h"
#include "base/text.h"
#include "models/weights/safetensors.h"
#include "models/zoo/zoo.h"
#include "pipeline/pipeline.h"
#include "tests/support/files.h"

namespace carat {
namespace {

class Start : public testing::Test {
 protected:
  Recipe recipe_of(const std::string& text) {
    write_atomically(folder_ / "start.yaml", text);
    return read_recipe(folder_ / "start.yaml", {});
  }

  // The message without the path of the recipe.
  std::string refusal(const std::string& text) {
    std::string message = message_of([&] { recipe_of(text); });
    const std::string path = folder_ / "start.yaml";
    return message.rfind(path, 0) == 0 ? message.substr(path.size() + 1) : message;
  }

  std::string load_recipe(const std::string& file) {
    return "track: synthetic\nmodel: {name: resnet8, width: 4}\ndata: {name: synthetic, held_back: 200}\nstages:\n  - "
           "load: {file: \"" +
           file + "\"}\n  - prune: {allocation: global, target_sparsity: 0.5, retrain: {epochs: 0}}\n";
  }

  std::string select_recipe(const std::string& options) {
    return "track: cifar100\ndata: {name: cifar100}\nstages:\n  - select: {" + options + "}\n  - train\n";
  }

  std::string teacher_recipe(const std::string& teacher) {
    return "track: synthetic\nmodel: {name: resnet8, width: 4}\ndata: {name: synthetic, held_back: 200}\nstages:\n  - "
           "train: {epochs: 1, distillation: 0.5, teachers: [\"" +
           teacher + "\"]}\n";
  }

  Model write_random_model(const std::string& name, int64_t seed) {
    const Model model = initialize(build_model("resnet8", {{"width", 4}}, {1, 12, 12}, 10), seed);
    write_model(folder_ / name, model);
    return model;
  }

  TemporaryFolder folder_;
};

TEST_F(Start, LoadTakesTheFileAndRunsAgainWhenTheFileChanges) {
  const Model first = write_random_model("a.safetensors", 1);
  const Recipe recipe = recipe_of(load_recipe(folder_ / "a.safetensors"));
  const RunOptions options{.runs_folder = folder_ / "runs", .device = "cpu", .threads = 2, .command = "test"};
  run_recipe(recipe, options);
  const std::string loaded = std::string(folder_ / "runs/start/stages/01-load/model.safetensors");
  EXPECT_EQ(read_model(loaded).buffers, first.buffers);
  const Model second = write_random_model("a.safetensors", 2);
  ASSERT_NE(second.buffers, first.buffers);
  run_recipe(recipe, options);
  EXPECT_EQ(read_model(loaded).buffers, second.buffers);
  EXPECT_NEAR(sparsity(read_model(folder_ / "runs/start/stages/02-prune/model.safetensors")), 0.5, 0.01);
}

// CARAT_DATA for one test.
class DataRoot {
 public:
  explicit DataRoot(const std::string& folder) {
    if (const char* before = std::getenv("CARAT_DATA")) before_ = before;
    setenv("CARAT_DATA", folder.c_str(), 1);
  }
  ~DataRoot() {
    if (before_)
      setenv("CARAT_DATA", before_->c_str(), 1);
    else
      unsetenv("CARAT_DATA");
  }
  DataRoot(const DataRoot&) = delete;
  DataRoot& operator=(const DataRoot&) = delete;

 private:
  std::optional<std::string> before_;
};

TEST_F(Start, FilesBelowTheDataRootAreFound) {
  write_random_model("a.safetensors", 1);
  const DataRoot root(folder_.text());
  EXPECT_EQ(refusal(load_recipe("$CARAT_DATA/a.safetensors")), "(no error)");
  const Recipe recipe = recipe_of(teacher_recipe("$CARAT_DATA/a.safetensors"));
  const auto identity = [&] { return recipe.stages[0].stage->input_identity(recipe.predictions[0]); };
  const std::string first = identity();
  run_recipe(recipe, {.runs_folder = folder_ / "runs", .device = "cpu", .threads = 2, .command = "test"});
  write_random_model("a.safetensors", 2);
  EXPECT_NE(identity(), first);
  EXPECT_EQ(recipe_of(teacher_recipe("dense")).stages[0].stage->input_identity(recipe.predictions[0]), "");
  unsetenv("CARAT_DATA");
  EXPECT_EQ(refusal(load_recipe("$CARAT_DATA/a.safetensors")),
            "5:5: load: $CARAT_DATA/a.safetensors: expected CARAT_DATA to name the data root, it is unset");
  EXPECT_EQ(refusal(teacher_recipe("$CARAT_DATA/a.safetensors")),
            "5:5: train.teachers: $CARAT_DATA/a.safetensors: expected CARAT_DATA to name the data root, it is unset");
}

TEST_F(Start, TeachersThatDoNotFitAreRefusedByThePlan) {
  EXPECT_EQ(refusal(teacher_recipe("no.safetensors")),
            "5:5: train.teachers: no.safetensors: expected dense, a network of the zoo or a file, found none");
  write_model(folder_ / "b.safetensors", initialize(build_model("resnet8", {{"width", 4}}, {1, 12, 12}, 7), 1));
  const std::string file = folder_ / "b.safetensors";
  EXPECT_EQ(refusal(teacher_recipe(file)), "5:5: train.teachers: " + file +
                                               ": expected 10 classes of 1x12x12 images as the student's, found 7 of "
                                               "1x12x12");
}

TEST_F(Start, LoadSaysWhatDoesNotFit) {
  EXPECT_NE(refusal(load_recipe("no.safetensors")).find("no.safetensors: cannot open"), std::string::npos);
  const Model other = initialize(build_model("resnet8", {{"width", 4}}, {3, 12, 12}, 10), 1);
  write_model(folder_ / "b.safetensors", other);
  const std::string file = folder_ / "b.safetensors";
  EXPECT_EQ(refusal(load_recipe(file)),
            "5:5: load: " + file + ": expected a network for 1x12x12 images and 10 classes, found 3x12x12 and 10");
  EXPECT_EQ(refusal("track: synthetic\nmodel: {name: resnet8}\ndata: {name: synthetic, held_back: 9}\nstages:\n  - "
                    "train\n  - load: "
                    "{file: x}\n"),
            "6:5: stages[1]: load must be the first stage: it replaces the network");
}

TEST_F(Start, SelectRanksByPredictedScoreAboveTheGate) {
  const Recipe recipe = recipe_of(select_recipe("models: [\"*\"], sparsity: 0.5"));
  const std::vector<std::string>& notes = recipe.predictions.front().notes;
  ASSERT_GT(notes.size(), 4U);
  // Rows behind the two heading lines: passing networks first, scores rising among them.
  double last = 0.0;
  bool missed = false;
  int passing = 0;
  for (size_t i = 2; i + 1 < notes.size(); ++i) {
    const bool passes = notes[i].find("passed") != std::string::npos;
    EXPECT_FALSE(passes && missed) << notes[i];
    const double score = std::stod(notes[i].substr(26, 10));
    if (passes && passing++ > 0) {
      EXPECT_GE(score, last) << notes[i];
    }
    missed = missed || !passes;
    last = score;
  }
  EXPECT_GE(passing, 3);
  const std::string first = notes[2].substr(2, notes[2].find(' ', 2) - 2);
  ASSERT_NE(zoo_variant(first), nullptr) << notes[2];
  EXPECT_GE(zoo_variant(first)->accuracy, 80.0);
  EXPECT_EQ(recipe.graph, build_network(*zoo_variant(first)).graph);
  EXPECT_EQ(recipe.resolved.find("model:"), std::string::npos);
  write_atomically(folder_ / "again.yaml", recipe.resolved);
  EXPECT_EQ(read_recipe(folder_ / "again.yaml", {}).resolved, recipe.resolved);
}

TEST_F(Start, SelectTakesTheNamedNetworkAndTheFormatOfItsImages) {
  EXPECT_EQ(recipe_of(select_recipe("take: densenet_bc_100_12")).graph.name(), "densenet_bc");
  write_atomically(folder_ / "images/a.jpg", "not read by a plan");
  write_atomically(folder_ / "labels.csv", "a.jpg,0\n");
  const std::string text = fmt::format(
      "track: imagenet\ndata: {{name: flat, root: \"{}\", labels: \"{}\", held_back: 0}}\nstages:\n  - select: "
      "{{models: "
      "[\"efficientnet*\"], take: efficientnet_b1}}\n  - train\n",
      std::string(folder_ / "images"), std::string(folder_ / "labels.csv"));
  const Recipe recipe = recipe_of(text);
  EXPECT_EQ(recipe.graph.input().input_shape, (Shape{3, 240, 240}));
  EXPECT_EQ(recipe.format.height, 240);
  EXPECT_EQ(recipe.format.interpolation, zoo_variant("efficientnet_b1")->preprocessing.interpolation);
}

TEST_F(Start, SelectSaysWhatDoesNotFit) {
  EXPECT_EQ(refusal(select_recipe("models: [densnet]")),
            "4:5: select: models: expected the name of a network or a pattern that matches one (carat models), got "
            "densnet");
  EXPECT_EQ(refusal(select_recipe("models: [resnet50]")),
            "4:5: select: none of the 1 networks that match reads 3x32x32 images of 100 classes");
  EXPECT_EQ(refusal(select_recipe("models: [\"kaist*\"], margin: 5")),
            "4:5: select: none of the 2 networks that fit is known to pass the gate of track cifar100 by 5 points");
  EXPECT_EQ(refusal(select_recipe("models: [\"kaist*\"], take: kaist_v2_pr31")),
            "4:5: select: take: expected one of: best, kaist_v2_pr30, kaist_v2_pr45, got 'kaist_v2_pr31'; did you mean "
            "'kaist_v2_pr30'?");
  EXPECT_EQ(refusal("model: {name: resnet8}\n" + select_recipe("")),
            "1:8: model: expected no model where the select stage chooses it");
}

}  // namespace
}  // namespace carat
