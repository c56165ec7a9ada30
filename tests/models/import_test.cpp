// SPDX-License-Identifier: Apache-2.0
// Tensors of other programs as networks of the zoo and back: layouts, folded batch norm, published entries.
#include "models/file/import.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/file.h"
#include "base/random.h"
#include "models/weights/fold.h"
#include "tests/support/files.h"

namespace carat {
namespace {

// Random weights and random statistics of every batch norm.
Model random_model(const ModelGraph& graph) {
  Model model = initialize(graph, 3);
  Random random({1, "test", "statistics", 0});
  for (auto& [name, buffer] : model.buffers)
    if (graph.layer(name.substr(0, name.rfind('.'))).op == OpKind::batch_norm)
      for (float& value : buffer.values) value = static_cast<float>(0.5 + 0.1 * std::abs(random.normal()));
  return model;
}

Imported imported(const std::string& bytes, const ImportRequest& request) {
  return import_tensors(read_tensors(bytes, "f"), "f", request);
}

TEST(Import, EveryNetworkInEveryLayoutThereAndBack) {
  constexpr int64_t kLargest = 10'000'000;  // weights: larger networks take seconds
  for (const ZooEntry& entry : zoo()) {
    const ZooVariant& variant = entry.variants.front();
    if (variant.weights > kLargest || !is_trainable(variant)) continue;
    const ZooNetwork network = build_network(variant);
    const Model model = random_model(network.graph);
    for (const Layout& layout : layouts_of(network)) {
      const std::string bytes = export_tensors(model, {.layout = layout.name});
      const Imported back = imported(bytes, {.network = variant.name, .layout = layout.name});
      EXPECT_EQ(back.model.graph, model.graph) << entry.name << " " << layout.name;
      EXPECT_EQ(back.model.buffers, model.buffers) << entry.name << " " << layout.name;
      EXPECT_EQ(export_tensors(back.model, {.layout = layout.name}), bytes) << entry.name << " " << layout.name;
      const Layout found = {imported(bytes, {.network = variant.name}).layout, {}};
      EXPECT_EQ(export_tensors(model, {.layout = found.name}), bytes) << entry.name << " " << layout.name;
    }
  }
}

TEST(Import, OptionsAndClassesAreOfTheFile) {
  const Shape input = {3, 32, 32};
  const Model model = random_model(build_model("cifar_resnet", {{"depth", 8}}, input, 7));
  EXPECT_EQ(message_of([&] { export_tensors(model, {.layout = "torchvision"}); }),
            "expected a variant of cifar_resnet, got other layers: give --model cifar_resnet and its options as "
            "key=value");
  const std::string bytes =
      export_tensors(model, {.layout = "torchvision", .network = "cifar_resnet", .options = {{"depth", 8}}});
  const Imported back = imported(bytes, {.network = "cifar_resnet", .options = {{"depth", 8}}, .classes = 7});
  EXPECT_EQ(back.model.buffers, model.buffers);
  EXPECT_TRUE(back.model.graph.input().preprocessing.has_value());
  EXPECT_NE(message_of([&] {
              imported(bytes, {.network = "cifar_resnet", .options = {{"depth", 8}}});
            }).find("'fc.bias': expected shape 100, got 7"),
            std::string::npos);
  EXPECT_EQ(message_of([&] {
              export_tensors(model, {.layout = "keras", .network = "cifar_resnet", .options = {{"depth", 8}}});
            }),
            "network cifar_resnet: unknown layout 'keras', expected one of: timm, torchvision, carat");
}

TEST(Import, FoldedBatchNormIsSeenInTheTensors) {
  const Model model = random_model(build_model("cifar_resnet20", {}, {3, 32, 32}, 100));
  const Model folded = fold_batch_norm(model);
  const std::string bytes = export_tensors(folded, {.layout = "torchvision"});
  const Imported back = imported(bytes, {.network = "cifar_resnet20"});
  EXPECT_TRUE(back.is_folded);
  EXPECT_EQ(back.model.graph, folded.graph);
  EXPECT_EQ(back.model.buffers, folded.buffers);
  const std::string whole = export_tensors(model, {.layout = "torchvision"});
  EXPECT_NE(message_of([&] {
              imported(whole, {.network = "cifar_resnet20", .is_folded = true});
            }).find("missing tensor 'conv1.bias'"),
            std::string::npos)
      << "a file with batch norm is no folded network";
}

TEST(Import, UnknownTensorsAreOneLine) {
  const std::string bytes =
      export_tensors(random_model(build_model("resnet8", {}, {1, 28, 28}, 10)), {.layout = "carat"});
  const std::string message = message_of([&] { imported(bytes, {}); });
  EXPECT_EQ(message.find('\n'), std::string::npos);
  EXPECT_NE(message.find("--model NAME"), std::string::npos);
}

TEST(Import, PublishedEntriesThereAndBack) {
  const char* root = std::getenv("CARAT_DATA");
  if (root == nullptr) GTEST_SKIP() << "CARAT_DATA is not set";
  int64_t found = 0;
  for (const ZooEntry& entry : zoo())
    for (const ZooVariant& variant : entry.variants) {
      const std::filesystem::path path = std::filesystem::path(root) / variant.weights_file;
      if (variant.track.empty() || !std::filesystem::is_regular_file(path)) continue;
      ++found;
      const std::string bytes = read_text(path);
      const TensorFile file = read_tensors(bytes, path.string());
      const Imported known = import_tensors(file, path.string(), {});
      EXPECT_EQ(known.network, variant.name);
      const std::string back = export_tensors(known.model, {.layout = "published"});
      const TensorFile again = read_tensors(back, "back");
      ASSERT_EQ(again.tensors.size(), file.tensors.size()) << variant.name;
      for (const auto& [name, tensor] : file.tensors) {
        const RawTensor& other = again.tensors.at(name);
        EXPECT_TRUE(tensor.type == other.type && tensor.shape == other.shape && tensor.bytes == other.bytes)
            << variant.name << " " << name;
      }
    }
  EXPECT_GE(found, 4);
}

TEST(Fold, NumbersByHand) {
  GraphBuilder net("net");
  net.batch_norm("bn", net.conv("conv", net.input({1, 2, 2}), {.out_channels = 1}), 0.0);
  Model model = initialize(net.build(), 1);
  model.buffer("conv.weight").values = {3.0F};
  model.buffer("bn.weight").values = {2.0F};
  model.buffer("bn.bias").values = {0.25F};
  model.buffer("bn.running_mean").values = {5.0F};
  model.buffer("bn.running_var").values = {16.0F};
  const Model folded = fold_batch_norm(model);
  EXPECT_EQ(folded.buffer("conv.weight").values, std::vector<float>{1.5F});  // 3 * 2 / 4
  EXPECT_EQ(folded.buffer("conv.bias").values, std::vector<float>{-2.25F});  // 0.25 - 5 * 2 / 4
  EXPECT_EQ(folded.graph.output().name, "conv");
}

}  // namespace
}  // namespace carat
