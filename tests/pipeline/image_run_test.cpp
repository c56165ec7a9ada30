// SPDX-License-Identifier: Apache-2.0
// A recipe on image files: every augmentation, mixed labels, an unreadable image that is skipped, threads.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "pipeline/pipeline.h"
#include "pipeline/recipe.h"
#include "tests/support/files.h"

namespace carat {
namespace {

namespace fs = std::filesystem;

class ImageRun : public testing::Test {
 protected:
  void SetUp() override {
    int number = 0;
    for (const char* split : {"train", "val"})
      for (const char* name :
           {"420.jpg", "grey.jpg", "cmyk.jpg", "progressive.jpg", "rgb.png", "palette.png", "lossy.webp"})
        for (int copy = 0; copy < 3; ++copy, ++number) {
          const fs::path folder = fs::path(folder_.text()) / split / (number % 2 == 0 ? "even" : "odd");
          fs::create_directories(folder);
          fs::copy_file(source_folder() + "/tests/golden/images/" + name,
                        folder / (std::to_string(number) + fs::path(name).extension().string()));
        }
    write_atomically(
        folder_ / "r.yaml",
        fmt::format("track: {{parameters: 1000, operations: 1000, gate_correct: 0, gate_total: 1}}\n"
                    "model: {{name: resnet8, width: 4}}\n"
                    "data: {{name: imagefolder, root: \"{}\", held_back: 3, size: 24}}\n"
                    "stages:\n  - train: {{epochs: 2, batch_size: 6, random_resized_crop: 0.3, flip: true,\n"
                    "      auto_augment: imagenet, rand_augment_n: 1, colour_jitter: 0.4, hue_jitter: 0.1,\n"
                    "      random_erasing: 0.3, mixup: 0.2, cutmix: 1}}\n",
                    folder_.text()));
  }
  std::string model_after(const std::string& runs, int64_t threads, const std::vector<std::string>& overrides) {
    RunOptions options;
    options.runs_folder = folder_ / runs;
    options.device = "cpu";
    options.threads = threads;
    const ScoreSheet sheet = run_recipe(read_recipe(folder_ / "r.yaml", overrides), options);
    total_ = sheet.accuracy.total;
    return read_text(folder_ / (runs + "/r/stages/01-train/model.safetensors"));
  }
  TemporaryFolder folder_;
  int64_t total_ = 0;
};

TEST_F(ImageRun, GivesTheSameTwice) {
  const std::string first = model_after("one", 2, {});
  EXPECT_EQ(model_after("two", 2, {}), first);
  EXPECT_EQ(total_, 21);
  EXPECT_NE(model_after("three", 2, {"stages.train.mixup=0", "stages.train.cutmix=0"}), first);
}

TEST_F(ImageRun, SkipsOrRefusesABadImage) {
  const std::string bad = folder_ / "val/odd/21.jpg";
  write_atomically(bad, read_text(bad).substr(0, 700));
  const std::string line = bad + ": expected a whole JPEG, found a truncated one";
  EXPECT_EQ(message_of([&] { model_after("error", 1, {}); }), line);
  testing::internal::CaptureStdout();
  model_after("skip", 1, {"data.on_bad_image=skip"});
  const std::string output = testing::internal::GetCapturedStdout();
  EXPECT_EQ(total_, 20);
  const size_t found = output.find("skipped: " + line);
  EXPECT_NE(found, std::string::npos) << output;
  EXPECT_EQ(output.find("skipped: ", found + 1), std::string::npos) << output;
}

}  // namespace
}  // namespace carat
