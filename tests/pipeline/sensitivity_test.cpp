// SPDX-License-Identifier: Apache-2.0
// The exact analysis equals the plain loop to the last bit, whatever it holds in memory and wherever it was stopped.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

#include "base/file.h"
#include "models/graph/builder.h"
#include "models/weights/safetensors.h"
#include "models/zoo/zoo.h"
#include "pipeline/sensitivity_command.h"
#include "stages/allocation.h"
#include "stages/fisher_estimate.h"
#include "stages/magnitude.h"
#include "stages/sensitivity_run.h"
#include "tests/support/files.h"

namespace carat {
namespace {

Dataset data() {
  DataSource source;
  source.name = "synthetic";
  return open_dataset(source, Split::train);
}

Model model_of(const std::string& name, const ModelValues& values) {
  const Dataset images = data();
  Model model =
      initialize(build_model(name, values, {images.channels, images.height, images.width}, images.classes), 5);
  // Logits that differ between images.
  for (auto& [buffer, numbers] : model.buffers)
    if (buffer.ends_with(".running_var"))
      for (float& v : numbers.values) v = 0.7F;
  return model;
}

std::vector<int64_t> first(int64_t count) {
  std::vector<int64_t> images(static_cast<size_t>(count));
  for (size_t i = 0; i < images.size(); ++i) images[i] = static_cast<int64_t>(i);
  return images;
}

SensitivityTable run(const Model& model, const SensitivityOptions& options, std::vector<SensitivityPoint> known = {},
                     std::vector<SensitivityPoint>* kept = nullptr) {
  SensitivitySink sink;
  sink.known = std::move(known);
  sink.keep = [&](const SensitivityPoint& point) {
    if (kept != nullptr) kept->push_back(point);
  };
  sink.progress = [](int64_t, int64_t, const std::string&) {};
  return run_sensitivity(model, data(), first(options.images), options, at::Device(at::kCPU), sink);
}

SensitivityOptions options_of(const std::string& mode) {
  SensitivityOptions options;
  options.mode = mode;
  options.images = 90;
  options.batch = 40;
  options.sparsities = {0.3, 0.6, 0.9};
  return options;
}

struct Net {
  std::string name;
  ModelValues values;
};
class EveryShape : public testing::TestWithParam<Net> {};

TEST_P(EveryShape, ExactEqualsThePlainLoop) {
  const Model model = model_of(GetParam().name, GetParam().values);
  for (const char* quantity : {"sparsity", "weight_bits", "activation_bits"}) {
    SensitivityOptions options = options_of("naive");
    options.quantity = quantity;
    options.bits = {3};
    options.sparsities = {0.6};
    options.images = 25;
    options.batch = 10;
    const std::vector<std::string> all = model.graph.weight_layers();
    for (size_t i = 0; i < all.size(); i += all.size() / 8 + 1) options.layers.push_back(all[i]);
    const std::string plain = to_csv(run(model, options));
    options.mode = "exact";
    EXPECT_EQ(to_csv(run(model, options)), plain) << quantity;
    options.memory_mib = 1;  // less than one batch needs, or a little more: the others run anew
    EXPECT_EQ(to_csv(run(model, options)), plain) << quantity;
  }
}

// Residual, dense, squeeze and excite.
INSTANTIATE_TEST_SUITE_P(All, EveryShape,
                         testing::Values(Net{"resnet8", {{"width", 4}}},
                                         Net{"densenet_bc", {{"depth", 10}, {"growth", 4}}}, Net{"kaist_v2", {}}));

TEST(Sensitivity, GoesOnWhereItWasStoppedAndMergesShards) {
  const Model model = model_of("resnet8", {{"width", 4}});
  const SensitivityOptions options = options_of("exact");
  std::vector<SensitivityPoint> kept;
  const SensitivityTable whole = run(model, options, {}, &kept);
  std::vector<SensitivityPoint> some(kept.begin(), kept.begin() + 5);
  std::vector<SensitivityPoint> rest;
  EXPECT_EQ(to_csv(run(model, options, some, &rest)), to_csv(whole));
  EXPECT_EQ(rest.size() + some.size(), kept.size());
  std::vector<SensitivityTable> shards;
  for (int64_t shard = 1; shard <= 3; ++shard) {
    SensitivityOptions part = options;
    part.shard = shard;
    part.shards = 3;
    shards.push_back(run(model, part));
  }
  const SensitivityTable all = merged(shards, {"a", "b", "c"});
  EXPECT_EQ(all.points.size(), whole.points.size());
  const std::string last = model.graph.weight_layers().back();
  EXPECT_EQ(curves_of(all).layers.at(last)[1].loss, curves_of(whole).layers.at(last)[1].loss);
  shards[1].identity = "0";
  EXPECT_EQ(message_of([&] {
              merged(shards, {"a", "b", "c"});
            }).substr(0, 53),
            "b: expected sparsity of the network and images of a (");
  shards[1] = shards[0];
  shards[1].points.front().layer = "(part) conv";
  EXPECT_EQ(message_of([&] {
              merged(shards, {"a", "b", "c"});
            }).substr(0, 55),
            "b: expected an analysis that has ended, found (part) co");
}

TEST(Sensitivity, FilesSayWhatIsWrongWithThem) {
  SensitivityTable table{"sparsity", "abc", {}};
  table.points = {{"(dense)", 0.0, {10, 5, 9, 0, 0, 7.5}}, {"conv", 0.5, {10, 4, 8, 2, 1, 9.25, 0.5, 0.1, 1.75, 0.9}}};
  const std::string text = to_csv(table);
  const SensitivityTable back = table_from_csv(text, "f.csv");
  ASSERT_EQ(back.points.size(), 2U);
  EXPECT_TRUE(back.points[1].sums == table.points[1].sums);
  EXPECT_EQ(back.points[1].layer, "conv");
  EXPECT_NEAR(curves_of(back).layers.at("conv")[0].loss, 0.75 + 0.175, 1e-12);
  // Torn at any byte of the last record: dropped.
  const size_t last = text.rfind('\n', text.size() - 2) + 1;
  for (size_t cut = last + 1; cut < text.size(); ++cut) {
    size_t torn = 0;
    EXPECT_EQ(table_from_csv(text.substr(0, cut), "f.csv", &torn).points.size(), 1U);
    EXPECT_EQ(torn, last);
  }
  std::string damaged = text;
  damaged[text.find("(dense)") + 10] ^= 1;
  EXPECT_EQ(message_of([&] { table_from_csv(damaged, "f.csv"); }).substr(0, 49),
            "f.csv:3: expected a record with its checksum, got");
  EXPECT_EQ(message_of([&] { table_from_csv("layer,loss\n", "f.csv"); }),
            "f.csv:1: expected '# carat sensitivity 2, quantity ..., identity ...' and column names, got 'layer,loss'");
  EXPECT_EQ(message_of([&] { table_from_csv("# carat sensitivity 1, quantity sparsity, identity a\n", "f.csv"); }),
            "f.csv:1: expected '# carat sensitivity 2', whose top1 and divergence have intervals, got version 1; "
            "measure anew");
  EXPECT_NE(to_svg(table).find("<polyline"), std::string::npos);
}

TEST(Sensitivity, IntervalsAreThoseOfHandCounts) {
  // Ten images, three lost and one gained: mean -0.2, variance (4 - 4 / 10) / 9 = 0.4.
  const PointSums accuracy{.images = 10, .correct = 6, .lost = 3, .gained = 1};
  EXPECT_NEAR(accuracy.top1_margin(), 1.96 * std::sqrt(0.4 / 10), 1e-12);
  // Divergences 0, 0.2, 0.4, 0.2: variance 0.08 / 3.
  const PointSums divergence{.images = 4, .divergence = 0.8, .divergence_squares = 0.24};
  EXPECT_NEAR(divergence.divergence_margin(), 1.96 * std::sqrt(0.08 / 3 / 4), 1e-12);
  const std::string record = record_of({"conv", 0.5, {10, 6, 9, 3, 1, 7.5, 1.0, 0.1, 0.0, 0.0}});
  EXPECT_TRUE(record.starts_with("conv,0.5,60.000,39.200,90.000,0.75,0.000000,0.000000,0.100000,0.000000,7.5,10,"))
      << record;
  // An estimate measures neither.
  EXPECT_TRUE(record_of({"conv", 0.5, {4, -1, -1, 0, 0, 2.0, 0, 0, 0.4, 0.04}})
                  .starts_with("conv,0.5,,,,0.5,0.100000,"
                               "0.000000,,,2,4,"));
}

// Image by image, from the logits of the whole network before and after.
TEST(Sensitivity, PairsAreThoseOfThePlainNetworks) {
  const Dataset images = data();
  const Model model = model_of("resnet8", {{"width", 4}});
  SensitivityOptions options = options_of("exact");
  options.layers = {model.graph.weight_layers()[1]};
  options.sparsities = {0.9};
  options.images = 60;
  const SensitivityTable table = run(model, options);
  Model changed = model;
  Buffer& weights = changed.buffer(options.layers[0] + ".weight");
  const std::vector<uint8_t> kept = magnitude_mask(weights.values, 0.9);
  for (size_t i = 0; i < kept.size(); ++i) weights.values[i] *= static_cast<float>(kept[i]);
  Network before(model, at::Device(at::kCPU));
  Network after(changed, at::Device(at::kCPU));
  PointSums wanted;
  for (int64_t image = 0; image < options.images; ++image) {
    std::vector<uint8_t> pixels(static_cast<size_t>(images.image_bytes()));
    images.read(image, pixels.data());
    const at::Tensor x = torch::tensor(c10::ArrayRef<uint8_t>(pixels), at::kByte)
                             .view({1, images.channels, images.height, images.width});
    const torch::NoGradGuard no_grad;
    const at::Tensor p = at::log_softmax(before.forward(x, Mode::evaluate).to(at::kDouble), 1);
    const at::Tensor q = at::log_softmax(after.forward(x, Mode::evaluate).to(at::kDouble), 1);
    const int64_t label = images.labels[static_cast<size_t>(image)];
    const bool was_right = p.argmax(1).item<int64_t>() == label;
    const bool is_right = q.argmax(1).item<int64_t>() == label;
    wanted.lost += was_right && !is_right ? 1 : 0;
    wanted.gained += is_right && !was_right ? 1 : 0;
    const double divergence = (p.exp() * (p - q)).sum().item<double>();
    wanted.divergence += divergence;
    wanted.divergence_squares += divergence * divergence;
  }
  const PointSums& sums = table.points[1].sums;
  EXPECT_GT(wanted.lost + wanted.gained, 0);
  EXPECT_EQ(sums.lost, wanted.lost);
  EXPECT_EQ(sums.gained, wanted.gained);
  EXPECT_EQ(sums.correct - table.points[0].sums.correct, wanted.gained - wanted.lost);
  EXPECT_NEAR(sums.divergence, wanted.divergence, 1e-4 * wanted.divergence);
  EXPECT_NEAR(sums.divergence_squares, wanted.divergence_squares, 1e-4 * wanted.divergence_squares);
}

TEST(SensitivityCommand, GoesOnBehindATornRecordAndMerges) {
  const TemporaryFolder folder;
  const std::string model = folder / "model.safetensors";
  write_model(model, model_of("resnet8", {{"width", 4}}));
  const auto measure = [&](const std::string& out, std::vector<std::string> more) {
    std::vector<std::string> words = {model, "--data",   "synthetic", "--images", "40",        "--batch",
                                      "20",  "--levels", "0.3,0.7",   "--out",    folder / out};
    words.insert(words.end(), more.begin(), more.end());
    return sensitivity_command(words);
  };
  ASSERT_EQ(measure("whole.csv", {}), 0);
  const std::string whole = read_text(folder / "whole.csv");
  write_atomically(folder / "torn.csv", whole.substr(0, whole.size() / 2));
  ASSERT_EQ(measure("torn.csv", {}), 0);
  EXPECT_EQ(read_text(folder / "torn.csv"), whole);
  ASSERT_EQ(measure("1.csv", {"--shard", "1/2"}), 0);
  ASSERT_EQ(measure("2.csv", {"--shard", "2/2"}), 0);
  ASSERT_EQ(sensitivity_command({"--merge", folder / "1.csv", folder / "2.csv", "--out", folder / "all.csv"}), 0);
  EXPECT_EQ(table_from_csv(read_text(folder / "all.csv"), "all").points.size(),
            table_from_csv(whole, "whole").points.size());
  // Another seed has other images; another mode other rules.
  EXPECT_NE(message_of([&] {
              measure("whole.csv", {"--seed", "9"});
            }).find("another network, other images or settings"),
            std::string::npos);
  EXPECT_NE(message_of([&] {
              measure("whole.csv", {"--mode", "interval"});
            }).find("another network, other images or settings"),
            std::string::npos);
  EXPECT_NE(message_of([&] {
              measure("i.csv", {"--mode", "interval", "--shard", "1/2"});
            }).find("expected one process in mode interval"),
            std::string::npos);
  std::string damaged = whole;
  damaged[whole.size() / 2] ^= 1;
  write_atomically(folder / "damaged.csv", damaged);
  EXPECT_NE(message_of([&] { measure("damaged.csv", {}); }).find("expected a record with its checksum"),
            std::string::npos);
}

TEST(Sensitivity, IntervalsAllocateAsTheWholeTable) {
  const Model model = model_of("resnet8", {{"width", 4}});
  SensitivityOptions options = options_of("exact");
  options.images = 400;
  options.target = 0.5;
  const SensitivityTable exact = run(model, options);
  options.mode = "interval";
  const SensitivityTable quick = run(model, options);
  std::vector<AllocationLayer> layers;
  int64_t images = 0;
  for (const std::string& name : model.graph.weight_layers())
    layers.push_back({name, model.graph.weight_count(model.graph.layer(name)), 0.0, 0.9});
  for (const SensitivityPoint& point : quick.points) images += point.sums.images;
  EXPECT_LT(images, 400 * static_cast<int64_t>(exact.points.size()));
  const auto a = allocate_by_sensitivity(layers, curves_of(exact), 0.5);
  const auto b = allocate_by_sensitivity(layers, curves_of(quick), 0.5);
  for (const auto& [name, sparsity] : a) EXPECT_NEAR(b.at(name), sparsity, 0.05) << name;
}

TEST(Sensitivity, IntervalsGoOnWhereTheyWereStopped) {
  const Model model = model_of("resnet8", {{"width", 4}});
  SensitivityOptions options = options_of("interval");
  options.images = 400;
  options.target = 0.5;
  std::vector<SensitivityPoint> kept;
  const std::string whole = to_csv(run(model, options, {}, &kept));
  // Behind the dense network, within the first and a later round, among the last records.
  for (const size_t stop : {size_t{1}, size_t{4}, kept.size() / 2, kept.size() - 3, kept.size()}) {
    const std::vector<SensitivityPoint> some(kept.begin(), kept.begin() + static_cast<int64_t>(stop));
    std::vector<SensitivityPoint> rest;
    EXPECT_EQ(to_csv(run(model, options, some, &rest)), whole) << stop;
    EXPECT_EQ(rest.size() + some.size(), kept.size()) << stop;
  }
}

TEST(SensitivityCommand, IntervalsGoOnBehindATornRecord) {
  const TemporaryFolder folder;
  const std::string model = folder / "model.safetensors";
  write_model(model, model_of("resnet8", {{"width", 4}}));
  const auto measure = [&](const std::string& out) {
    return sensitivity_command({model, "--data", "synthetic", "--images", "60", "--batch", "20", "--levels", "0.3,0.7",
                                "--mode", "interval", "--target", "0.5", "--out", folder / out});
  };
  ASSERT_EQ(measure("whole.csv"), 0);
  const std::string whole = read_text(folder / "whole.csv");
  EXPECT_EQ(whole.find("(part)"), std::string::npos);
  const size_t third = whole.find('\n', whole.find('\n', whole.find('\n') + 1) + 1) + 1;  // behind the dense network
  write_atomically(folder / "torn.csv", whole.substr(0, third + 20));
  ASSERT_EQ(measure("torn.csv"), 0);
  EXPECT_EQ(read_text(folder / "torn.csv"), whole);
}

TEST(Sensitivity, FisherEstimateIsHalfTheWeightedSquares) {
  const Model model = model_of("resnet8", {{"width", 4}});
  const std::string last = model.graph.weight_layers().back();
  const auto estimates = fisher_estimate(model, data(), first(3), {{last, 0.5}}, at::Device(at::kCPU));
  Network network(model, at::Device(at::kCPU));
  const Buffer& w = model.buffer(last + ".weight");
  std::vector<double> squares(w.values.size());
  for (int64_t image = 0; image < 3; ++image) {
    std::vector<uint8_t> pixels(static_cast<size_t>(data().image_bytes()));
    data().read(image, pixels.data());
    const at::Tensor x = torch::tensor(c10::ArrayRef<uint8_t>(pixels), at::kByte)
                             .view({1, data().channels, data().height, data().width});
    std::map<std::string, at::Tensor> results;
    const LayerSpec& fc = model.graph.layer(last);
    const at::Tensor logits = network.forward(x, Mode::evaluate, {fc.inputs[0]}, results);
    // d loss / d W[k][c] = (softmax[k] - [k = label]) * x[c]
    at::Tensor error = at::softmax(logits.detach(), 1).flatten();
    error[data().labels[static_cast<size_t>(image)]] -= 1.0;
    const at::Tensor gradient = at::outer(error, results.at(fc.inputs[0]).detach().flatten()).flatten();
    for (size_t i = 0; i < squares.size(); ++i) {
      const double g = gradient[static_cast<int64_t>(i)].item<double>();
      squares[i] += g * g / 3.0;
    }
  }
  const std::vector<uint8_t> kept = magnitude_mask(w.values, 0.5);
  double rise = 0.0;
  for (size_t i = 0; i < squares.size(); ++i)
    if (kept[i] == 0) rise += 0.5 * static_cast<double>(w.values[i]) * w.values[i] * squares[i];
  EXPECT_NEAR(estimates[0].sums.mean_rise(), rise, 1e-5 * rise);
}

TEST(Sensitivity, RanksAreSpearmans) {
  const auto table = [](const std::vector<double>& rises) {
    SensitivityTable t;
    for (size_t i = 0; i < rises.size(); ++i)
      t.points.push_back({"l", static_cast<double>(i), {.images = 1, .rise = rises[i]}});
    return t;
  };
  EXPECT_NEAR(rank_correlation(table({1, 2, 3, 4}), table({10, 20, 30, 40})), 1.0, 1e-12);
  EXPECT_NEAR(rank_correlation(table({1, 2, 3, 4}), table({4, 3, 2, 1})), -1.0, 1e-12);
  EXPECT_NEAR(rank_correlation(table({1, 2, 3, 4, 5}), table({2, 1, 4, 3, 5})), 0.8, 1e-12);
}

}  // namespace
}  // namespace carat
