// SPDX-License-Identifier: Apache-2.0
// carat evaluate as a user calls it: a packed file, a stage model and published tensors; against PyTorch's predictions.
#include <gtest/gtest.h>

#include <fmt/format.h>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/file.h"
#include "kernels/device.h"
#include "models/packed/packed_model.h"
#include "models/weights/safetensors.h"
#include "tests/support/files.h"
#include "tests/support/process.h"

namespace carat {
namespace {

struct Outcome {
  int status = 0;
  std::string out;
  std::string err;
};

class Evaluate : public testing::Test {
 protected:
  Outcome run(const std::string& words) {
    const std::string command =
        fmt::format("{}/carat evaluate {} >{} 2>{}", program_folder(), words, folder_ / "out", folder_ / "err");
    const int status = std::system(command.c_str());
    return {WEXITSTATUS(status), read_text(folder_ / "out"), read_text(folder_ / "err")};
  }

  static std::string packed() { return source_folder() + "/results/demo/model.carat"; }

  static std::vector<int64_t> numbers(const std::string& path) {
    std::istringstream lines(read_text(path));
    return {std::istream_iterator<int64_t>(lines), {}};
  }

  // Images of the first count whose predicted class is not PyTorch's.
  int64_t differences(const std::string& tensors, const std::string& network, int64_t count) {
    const std::string data = std::getenv("CARAT_DATA");
    const std::string images = data + "/imagenet-val-1300";
    const Outcome result =
        run(fmt::format("{}/weights/{}.safetensors --model {} --data flat --root {} --labels {}/labels.csv --limit {} "
                        "--predictions {}",
                        data, tensors, network, images, images, count, folder_ / "predictions"));
    EXPECT_EQ(result.status, 0) << result.err;
    const std::vector<int64_t> ours = numbers(folder_ / "predictions");
    const std::vector<int64_t> theirs =
        numbers(source_folder() + "/tests/golden/imagenet_val_1300/" + network + ".txt");
    EXPECT_EQ(static_cast<int64_t>(ours.size()), count);
    int64_t differing = 0;
    for (size_t i = 0; i < ours.size(); ++i) differing += ours[i] != theirs[i] ? 1 : 0;
    return differing;
  }

  TemporaryFolder folder_;
};

using FullEvaluate = Evaluate;

bool has_imagenet() {
  const char* root = std::getenv("CARAT_DATA");
  return root != nullptr && std::filesystem::exists(std::filesystem::path(root) / "imagenet-val-1300/labels.csv");
}

TEST_F(Evaluate, PackedFileAndTheSameNetworkUnpackedAgree) {
  if (!std::filesystem::exists("/usr/share/datasets/fashion-mnist")) GTEST_SKIP() << "no Fashion-MNIST here";
  write_model(folder_ / "model.safetensors", unpack(read_packed(packed())));
  const std::string words = " --data fashion_mnist --limit 300 --format json --predictions ";
  const Outcome integer = run(packed() + words + (folder_ / "integer"));
  const Outcome exact = run((folder_ / "model.safetensors") + words + (folder_ / "exact") + " --exact");
  ASSERT_EQ(integer.status, 0) << integer.err;
  ASSERT_EQ(exact.status, 0) << exact.err;
  const nlohmann::json a = nlohmann::json::parse(integer.out);
  const nlohmann::json b = nlohmann::json::parse(exact.out);
  EXPECT_EQ(a.at("total"), 300);
  for (const char* key : {"correct", "correct5", "loss"}) EXPECT_EQ(a.at(key), b.at(key)) << key;
  EXPECT_EQ(numbers(folder_ / "integer"), numbers(folder_ / "exact"));
  // The committed demo: 92.17 % of all.
  EXPECT_NEAR(a.at("accuracy").get<double>(), 0.92, 0.04);
}

TEST_F(Evaluate, WritesOneRowPerClass) {
  if (!std::filesystem::exists("/usr/share/datasets/fashion-mnist")) GTEST_SKIP() << "no Fashion-MNIST here";
  const Outcome result = run(packed() + " --data fashion_mnist --limit 100 --per-class " + (folder_ / "classes.csv"));
  ASSERT_EQ(result.status, 0) << result.err;
  const std::string csv = read_text(folder_ / "classes.csv");
  EXPECT_EQ(csv.rfind("class,images,correct,correct5,predicted,accuracy\n", 0), 0U);
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 11);
}

TEST_F(Evaluate, SaysWhatIsWrongInOneLine) {
  const auto refused = [&](const std::string& words, int status, const std::string& part) {
    const Outcome result = run(words);
    EXPECT_EQ(result.status, status) << words;
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  };
  refused(packed(), 2, "'--data' is required");
  refused("--data synthetic", 2, "expected a file to evaluate");
  refused(packed() + " --data fashion_mnist --format xml", 2, "--format: expected text, json, got 'xml'");
  refused(packed() + " --data fashion_mnist --device gpu", 2, "--device: expected auto, cpu, cuda, got 'gpu'");
  if (cuda_device_count() == 0) refused(packed() + " --data fashion_mnist --device cuda", 1, "--device cuda: expected");
  refused(packed() + " --data fashion_mnist --arithmetic float32", 2, "a packed model keeps its own");
  refused(packed() + " --data synthetic", 1, "expected a network with input 1x12x12, got 1x28x28");
  refused((folder_ / "no.carat") + " --data synthetic", 1, "no.carat: cannot open");
  write_atomically(folder_ / "text", "neither one nor the other");
  refused((folder_ / "text") + " --data synthetic", 1, "expected a packed model or safetensors");
}

TEST_F(Evaluate, PredictsWhatPyTorchPredicts) {
  if (!has_imagenet()) GTEST_SKIP() << "needs CARAT_DATA with weights/ and imagenet-val-1300/";
  EXPECT_EQ(differences("squeezenet1_1-imagenet-f32", "squeezenet1_1", 200), 0);
}

// Made by tools/evaluate_with_pytorch.py with torch 2.11.0, torchvision 0.26.0 and Pillow 13.0.0: 907 and 1,019 right.
TEST_F(FullEvaluate, PredictsWhatPyTorchPredictsOnAllImages) {
  if (!has_imagenet()) GTEST_SKIP() << "needs CARAT_DATA with weights/ and imagenet-val-1300/";
  EXPECT_LE(differences("squeezenet1_1-imagenet-f32", "squeezenet1_1", 1300), 3);
  EXPECT_LE(differences("mobilenetv2_1.0_224-imagenet-floatbody-fc8", "mobilenet_v2_100_tf", 1300), 4);
}

}  // namespace
}  // namespace carat
