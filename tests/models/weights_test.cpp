// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "models/weights/safetensors.h"
#include "models/zoo/zoo.h"
#include "tests/support/files.h"

namespace carat {
namespace {

Model small_model() { return initialize(build_model("resnet8", {{"width", 4}}, {1, 8, 8}, 3), 1); }

TEST(CheckModel, FindsWeightsUnderTheMask) {
  Model model = small_model();
  std::vector<LayerSpec> layers = model.graph.layers();
  for (LayerSpec& layer : layers) layer.is_masked = layer.name == "stem.conv";
  model.graph = ModelGraph("net", layers);
  EXPECT_EQ(message_of([&] { check_model(model); }), "layer stem.conv: masked, but there is no mask");
  Buffer& weights = model.buffer("stem.conv.weight");
  model.masks["stem.conv"] = {weights.shape, std::vector<uint8_t>(weights.values.size(), 1)};
  check_model(model);
  model.masks["stem.conv"].kept[3] = 0;
  EXPECT_EQ(message_of([&] { check_model(model); }).substr(0, 37), "layer stem.conv: weight 3 is masked b");
  weights.values[3] = 0.0F;
  check_model(model);
}

TEST(CheckModel, FindsWeightsOffTheGrid) {
  Model model = small_model();
  std::vector<LayerSpec> layers = model.graph.layers();
  layers[1].quant = QuantSpec::symmetric(4, Granularity::kernel);
  model.graph = ModelGraph("net", layers);
  model.buffers["stem.conv.weight_scale"] = {{4}, {0.1F, 0.1F, 0.1F, 0.1F}};
  std::vector<float>& weights = model.buffer("stem.conv.weight").values;
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = 0.1F * static_cast<float>(static_cast<int>(i % 15) - 7);
  check_model(model);
  weights[5] = std::nextafter(weights[5], 1.0F);
  EXPECT_NE(message_of([&] { check_model(model); }).find("is not on its 4-bit grid"), std::string::npos);
  weights[5] = 0.1F * 8.0F;
  EXPECT_NE(message_of([&] { check_model(model); }).find("is not on its 4-bit grid"), std::string::npos);
  weights[5] = std::nanf("");
  EXPECT_NE(message_of([&] { check_model(model); }).find("value 5 is nan"), std::string::npos);
}

void mutate(int rounds, int64_t stream) {
  const std::string good = to_safetensors(small_model());
  Random random({1, "test", "mutations", stream});
  int refused = 0;
  for (int round = 0; round < rounds; ++round) {
    std::string bad = good;
    if (round % 3 == 0) bad.resize(static_cast<size_t>(random.below(static_cast<int64_t>(bad.size()))));
    for (int i = 0; i < 3 && !bad.empty(); ++i)
      bad[static_cast<size_t>(random.below(std::min<int64_t>(4000, static_cast<int64_t>(bad.size()))))] =
          static_cast<char>(random.below(256));
    const std::string message = message_of([&] { model_from_safetensors(bad, "file"); });
    if (message == "(no error)") continue;
    ++refused;
    ASSERT_EQ(message.substr(0, 6), "file: ") << message;
    ASSERT_EQ(message.find('\n'), std::string::npos) << message;
  }
  EXPECT_GT(refused, rounds / 2);
}

TEST(Safetensors, MutationsGiveOneLineErrors) { mutate(2000, 0); }

TEST(FullSafetensors, LongMutations) { mutate(100000, 1); }

}  // namespace
}  // namespace carat
