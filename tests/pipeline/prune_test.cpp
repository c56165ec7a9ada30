// SPDX-License-Identifier: Apache-2.0
// Patterns, schedules and the second-order criterion, each against what is worked out by hand or by brute force.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "base/file.h"
#include "models/weights/safetensors.h"
#include "models/zoo/zoo.h"
#include "pipeline/pipeline.h"
#include "scoring/score_sheet.h"
#include "stages/mask_pattern.h"
#include "stages/mask_schedule.h"
#include "stages/mask_scores.h"
#include "stages/planned_score.h"
#include "stages/predicted.h"
#include "stages/second_order.h"
#include "tests/support/files.h"

namespace carat {
namespace {

using Kept = std::vector<uint8_t>;

TEST(MaskPattern, UnstructuredBlocksAndNOfM) {
  const std::vector<float> scores = {5, 1, 2, 8, 3, 7, 6, 4};  // two kernels of four
  EXPECT_EQ(mask_of(scores, 2, 0.5, {}), (Kept{1, 0, 0, 1, 0, 1, 1, 0}));
  EXPECT_EQ(mask_of(scores, 2, 0.0, {.kind = "n_m"}), Kept(8, 1));
  EXPECT_EQ(mask_of(scores, 2, 0.5, {.kind = "n_m"}), (Kept{1, 0, 0, 1, 0, 1, 1, 0}));
  // Blocks of 1 x 2 have means 3, 5, 5, 5: the first goes, then the earlier of equals.
  EXPECT_EQ(mask_of(scores, 2, 0.25, {.kind = "block", .block = {1, 2}}), (Kept{0, 0, 1, 1, 1, 1, 1, 1}));
  EXPECT_EQ(mask_of(scores, 2, 0.5, {.kind = "block", .block = {2, 2}}), (Kept{0, 0, 1, 1, 0, 0, 1, 1}));
  EXPECT_EQ(message_of([] { MaskPattern{.kind = "n_m"}.check("prune", 0.6); }),
            "prune.target_sparsity: expected 0.5 with 2 of 4 kept, got 0.6");
}

ModelGraph masked_network() {
  const ModelGraph graph = build_model("resnet8", {{"width", 4}}, {3, 8, 8}, 10);
  std::vector<LayerSpec> layers = graph.layers();
  for (LayerSpec& layer : layers) layer.is_masked = has_weights(layer);
  return ModelGraph(graph.name(), layers);
}

double zeros(const Network& network) {
  double gone = 0.0;
  double all = 0.0;
  for (const std::string& layer : network.graph().weight_layers()) {
    gone += (1.0 - network.mask(layer)).sum().item<double>();
    all += static_cast<double>(network.mask(layer).numel());
  }
  return gone / all;
}

class ScheduleTest : public testing::Test {
 protected:
  ScheduleTest()
      : network_(initialize(masked_network(), 1), at::Device(at::kCPU)), optimizer_(network_.parameters(), {}) {}

  static Masks rule(const Network& network, double share) {
    Masks masks;
    for (const auto& [layer, scores] : weight_scores(network, "magnitude")) {
      const at::Tensor before = network.mask(layer);
      const Kept kept = mask_of(scores, before.size(0), 0.5 * share, {});
      masks[layer] = to_tensor({before.sizes().vec(), {kept.begin(), kept.end()}}, at::kCPU);
    }
    return masks;
  }

  Network network_;
  Optimizer optimizer_;
};

TEST_F(ScheduleTest, GradualFollowsTheCubic) {
  MaskSchedule schedule({.kind = "gradual", .every = 10, .until_steps = 40}, rule);
  schedule.begin(100, 10);
  for (int64_t step = 0; step <= 60; ++step) {
    schedule.before_step(step, network_, optimizer_);
    const double t = std::min(1.0, static_cast<double>(step / 10 * 10) / 40.0);
    EXPECT_NEAR(zeros(network_), 0.5 * (1.0 - std::pow(1.0 - t, 3.0)), 0.01) << step;
  }
  EXPECT_EQ(schedule.frozen_from(), 40);
  // Pruned weights are zero themselves.
  const std::string layer = network_.graph().weight_layers().front();
  EXPECT_TRUE(at::equal(network_.dense_weights(layer), network_.dense_weights(layer) * network_.mask(layer)));
}

TEST_F(ScheduleTest, DynamicKeepsADenseShadowThatLearns) {
  MaskSchedule schedule({.kind = "dynamic", .every = 5, .until_steps = 10}, rule);
  schedule.begin(20, 10);
  const std::string layer = network_.graph().weight_layers()[1];
  const at::Tensor before = network_.dense_weights(layer).clone();
  const at::Tensor pixels = torch::randint(0, 256, {8, 3, 8, 8}, at::kByte);
  for (int64_t step = 0; step < 7; ++step) {
    schedule.before_step(step, network_, optimizer_);
    network_.forward(pixels, Mode::train).square().mean().backward();
    optimizer_.set_lr(0.1);
    optimizer_.step();
  }
  EXPECT_NEAR(zeros(network_), 0.5, 0.01);
  const at::Tensor gone = 1.0 - network_.mask(layer);
  EXPECT_GT(((network_.dense_weights(layer) - before) * gone).abs().sum().item<double>(), 0.0);
  for (int64_t step = 7; step < 15; ++step) schedule.before_step(step, network_, optimizer_);
  const at::Tensor frozen = network_.mask(layer).clone();
  network_.forward(pixels, Mode::train).square().mean().backward();
  optimizer_.set_lr(0.1);
  optimizer_.step();
  EXPECT_TRUE(at::equal(network_.dense_weights(layer) * (1.0 - frozen), at::zeros_like(frozen)));
}

TEST_F(ScheduleTest, AcDcAlternatesAndEndsSparse) {
  MaskSchedule schedule({.kind = "ac_dc", .first_dense = 1, .phase = 1, .last_sparse = 0.3}, rule);
  schedule.begin(100, 10);
  std::vector<double> sparsities;
  for (int64_t step = 0; step < 100; ++step) {
    schedule.before_step(step, network_, optimizer_);
    if (step % 10 == 5) sparsities.push_back(zeros(network_));
  }
  const std::vector<double> wanted = {0, 0.5, 0, 0.5, 0, 0.5, 0, 0.5, 0.5, 0.5};
  for (size_t i = 0; i < wanted.size(); ++i) EXPECT_NEAR(sparsities[i], wanted[i], 0.01) << i;
}

// The quadratic rise of taking S away with the best kept weights, worked out from the definition.
double rise(const at::Tensor& w, const at::Tensor& h, const Kept& kept) {
  const at::Tensor step = make_up(w, h, kept) - w;
  return 0.5 * step.dot(at::mv(h, step)).item<double>();
}

TEST(SecondOrder, CostsAreThoseOfTheQuadratic) {
  torch::manual_seed(3);
  const int64_t d = 6;
  const at::Tensor x = torch::randn({40, d}, at::kDouble).mm(torch::randn({d, d}, at::kDouble));
  const at::Tensor h = x.t().mm(x) / 40.0 + 0.01 * at::eye(d, at::kDouble);
  const at::Tensor w = torch::randn({d}, at::kDouble);
  const RemovalOrder order = removal_order(w, h, 1.0);
  Kept kept(d, 1);
  double sum = 0.0;
  for (int64_t i = 0; i < d; ++i) {
    // Greedy: no other single weight would have been cheaper.
    const double before = rise(w, h, kept);
    for (int64_t other = 0; other < d; ++other) {
      if (kept[static_cast<size_t>(other)] == 0) continue;
      Kept without = kept;
      without[static_cast<size_t>(other)] = 0;
      EXPECT_GE(rise(w, h, without) - before, order.costs[static_cast<size_t>(i)] - 1e-9);
    }
    kept[static_cast<size_t>(order.weights[static_cast<size_t>(i)])] = 0;
    sum += order.costs[static_cast<size_t>(i)];
    EXPECT_NEAR(rise(w, h, kept), sum, 1e-9 * (1.0 + sum));
  }
  // The kept weights are at the minimum: moving any of them makes it worse.
  const Kept half = {1, 0, 1, 0, 1, 0};
  const at::Tensor best = make_up(w, h, half);
  for (int64_t i = 0; i < d; i += 2) {
    at::Tensor moved = best.clone();
    moved[i] += 1e-3;
    const at::Tensor step = moved - w;
    EXPECT_GT(0.5 * step.dot(at::mv(h, step)).item<double>(), rise(w, h, half));
  }
}

TEST(NOfM, LeavesALayerOrPrunesItToItsShare) {
  const TemporaryFolder folder;
  write_atomically(folder / "n.yaml",
                   "track: synthetic\nmodel: {name: resnet8, width: 4}\ndata: {name: synthetic, held_back: 200}\n"
                   "stages:\n  - train: {epochs: 0}\n  - prune: {allocation: uniform, target_sparsity: 0.5, pattern: "
                   "{kind: n_m}, layers: {\"stem*\": {sparsity: 0}}, retrain: {epochs: 0}}\n");
  const Recipe recipe = read_recipe(folder / "n.yaml", {});
  run_recipe(recipe, {.runs_folder = folder / "runs", .device = "cpu", .threads = 2, .command = "test"});
  const Model model = read_model(folder / "runs/n/stages/02-prune/model.safetensors");
  for (const auto& [layer, mask] : model.masks) {
    const auto kept = static_cast<double>(std::count(mask.kept.begin(), mask.kept.end(), uint8_t{1}));
    const double density = kept / static_cast<double>(mask.kept.size());
    // A last group of one neighbour keeps it: 18 of 36 weights of a kernel, 5 of 9.
    EXPECT_NEAR(density, layer.starts_with("stem") ? 1.0 : 0.5, 0.06) << layer;
    EXPECT_EQ(recipe.predictions.back().density.at(layer), layer.starts_with("stem") ? 1.0 : 0.5) << layer;
  }
}

// A recipe that prunes for a score; retraining is left out.
class ForScore : public testing::Test {
 protected:
  Recipe recipe_of(double target_score) const {
    write_atomically(folder_ / "score.yaml",
                     fmt::format("track: synthetic\nmodel: {{name: resnet8, width: 4}}\ndata: {{name: synthetic, "
                                 "held_back: 200}}\nstages:\n"
                                 "  - train: {{epochs: 1, batch_size: 50}}\n"
                                 "  - sensitivity: {{sparsities: [0.3, 0.6, 0.9], images: 100}}\n"
                                 "  - prune: {{allocation: score, target_score: {}, retrain: {{epochs: 0}}}}\n"
                                 "  - quantize: {{weights: {{bits: 4}}, activations: {{bits: 8}}, images: 50}}\n"
                                 "  - fuse\n",
                                 target_score));
    return read_recipe(folder_ / "score.yaml", {});
  }

  // Rows of allocation.csv, cells by column.
  std::vector<std::vector<std::string>> allocation() const {
    const std::string text = read_text(folder_ / "runs/score/stages/03-prune/allocation.csv");
    std::vector<std::vector<std::string>> rows;
    for (const std::string& line : split(text, '\n'))
      if (!line.empty()) rows.push_back(split(line, ','));
    return rows;
  }

  ScoreSheet run(const Recipe& recipe) const {
    return run_recipe(recipe, {.runs_folder = folder_ / "runs", .device = "cpu", .threads = 2, .command = "test"});
  }

  static std::vector<std::string> split(const std::string& text, char at) {
    std::vector<std::string> parts(1);
    for (const char c : text) {
      if (c == at)
        parts.emplace_back();
      else
        parts.back() += c;
    }
    return parts;
  }

  TemporaryFolder folder_;
};

// The loop refuses a weight that comes back: it did in the early steps of a gradual schedule.
TEST_F(ForScore, PrunedWeightsStayPrunedInLaterStages) {
  write_atomically(
      folder_ / "twice.yaml",
      "track: synthetic\nmodel: {name: resnet8, width: 4}\ndata: {name: synthetic, held_back: 200}\n"
      "stages:\n  - train: {epochs: 1, batch_size: 50}\n"
      "  - prune: {target_sparsity: 0.55, allocation: global, retrain: {epochs: 0}}\n"
      "  - prune: {target_sparsity: 0.6, allocation: global, masks: {kind: gradual, every: 2, until: 0.9}, "
      "retrain: {epochs: 6, batch_size: 50, lr: 0.2}}\n"
      "  - prune: {target_sparsity: 0.4, allocation: uniform, retrain: {epochs: 1, batch_size: 50, lr: 0.2}}\n");
  run(read_recipe(folder_ / "twice.yaml", {}));
  const Model gradual = read_model(folder_ / "runs/twice/stages/03-prune/model.safetensors");
  const Model at_once = read_model(folder_ / "runs/twice/stages/04-prune/model.safetensors");
  EXPECT_NEAR(sparsity(gradual), 0.6, 0.01);
  for (const std::string& layer : gradual.graph.weight_layers()) {
    const std::vector<uint8_t>& before = gradual.masks.at(layer).kept;
    const std::vector<uint8_t>& after = at_once.masks.at(layer).kept;
    for (size_t i = 0; i < before.size(); ++i) EXPECT_LE(after[i], before[i]) << layer << ' ' << i;
  }
}

TEST_F(ForScore, SaysWhenQuantizeHasOtherBitsThanPlanned) {
  const auto notes_of = [&](const std::vector<std::string>& changes) {
    recipe_of(0.2);
    std::string notes;
    for (const Prediction& prediction : read_recipe(folder_ / "score.yaml", changes).predictions)
      for (const std::string& note : prediction.notes) notes += note + "\n";
    return notes;
  };
  EXPECT_EQ(notes_of({}).find("another score"), std::string::npos);
  EXPECT_NE(notes_of({"stages.quantize.weights.bits=5"}).find("here are 5 and 8: another score"), std::string::npos);
}

TEST_F(ForScore, ReachesTheTargetAfterQuantizeAndFuse) {
  const Track track = track_named("synthetic");
  const PlannedScore scorer(build_model("resnet8", {{"width", 4}}, {1, 12, 12}, 10), track, 4, 8);
  const double target = 0.6 * scorer.score({});
  const Recipe recipe = recipe_of(target);
  const Prediction& planned = recipe.predictions.back();
  EXPECT_LE(make_sheet(planned.graph, predicted_nonzeros(planned), track, 0, 0).score(), target);
  const std::vector<std::string>& notes = recipe.predictions[2].notes;
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_TRUE(notes[0].starts_with(fmt::format("prune: target_score {} on track synthetic", target))) << notes[0];
  // What is planned has as many weights in every kernel of a layer, and no more zeros by rounding to codes.
  const double score = run(recipe).score();
  EXPECT_LE(score, 1.02 * target);
  EXPECT_GT(score, 0.85 * target);
  std::map<std::string, double> sparsities;
  const auto rows = allocation();
  ASSERT_EQ(rows.size(), 1 + scorer.graph().weight_layers().size());
  EXPECT_EQ(rows[0][4], "mask_bits");
  for (size_t i = 1; i < rows.size(); ++i) {
    sparsities[rows[i][0]] = std::stod(rows[i][3]);
    EXPECT_EQ(std::stoll(rows[i][4]), scorer.mask_bits(rows[i][0], std::stod(rows[i][3]))) << rows[i][0];
    EXPECT_GT(std::stod(rows[i][6]), 0.0) << rows[i][0];
  }
  EXPECT_NEAR(scorer.score(sparsities), target, 0.03 * target);
}

TEST_F(ForScore, LeavesWhatIsCheapEnoughAndKeysByTrack) {
  const Recipe recipe = recipe_of(1000.0);
  EXPECT_NE(recipe.predictions[2].notes[0].find("nothing to prune"), std::string::npos);
  run(recipe);
  for (const auto& row : allocation())
    if (row[0] != "layer") EXPECT_EQ(row[3], "0.000000") << row[0];
  Prediction other = recipe.predictions[2];
  other.track.op_norm += 1;
  EXPECT_NE(recipe.stages[2].stage->input_identity(other),
            recipe.stages[2].stage->input_identity(recipe.predictions[2]));
}

}  // namespace
}  // namespace carat
