// SPDX-License-Identifier: Apache-2.0
#include "pipeline/plan.h"

#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <chrono>

#include "base/text.h"
#include "models/graph/dump.h"
#include "models/net/device.h"
#include "models/net/network.h"
#include "pipeline/report.h"
#include "scoring/score_sheet.h"
#include "stages/predicted.h"

namespace carat {
namespace {

struct Speed {
  double forward_seconds = 0.0;   // per image
  double training_seconds = 0.0;  // per image, forward and backward
};

Speed measure_speed(const Recipe& recipe, const c10::Device& device) {
  constexpr int64_t kPixels = 128 * 32 * 32;  // in memory with all results: large images come in small batches
  constexpr int kRounds = 3;
  Network network(initialize(recipe.graph, recipe.seed), device);
  const Shape& shape = recipe.graph.input().input_shape;
  const int64_t images = std::clamp<int64_t>(kPixels / (shape.height * shape.width), 4, 128);
  const at::Tensor pixels = torch::zeros({images, shape.channels, shape.height, shape.width}, torch::kUInt8);
  const auto time = [&](auto&& action) {
    action();
    double best = 1e30;
    for (int round = 0; round < kRounds; ++round) {
      const auto start = std::chrono::steady_clock::now();
      action();
      best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    return best / static_cast<double>(images);
  };
  Speed speed;
  speed.training_seconds = time([&] { network.forward(pixels, Mode::train).sum().backward(); });
  speed.forward_seconds = time([&] {
    const torch::NoGradGuard no_grad;
    network.forward(pixels, Mode::evaluate);
  });
  return speed;
}

}  // namespace

std::string plan_text(const Recipe& recipe, const std::string& device) {
  const c10::Device where = device_named(device);
  const Speed speed = measure_speed(recipe, where);
  const DatasetInfo& data = recipe.data_info;
  std::string text = "# resolved recipe\n" + recipe.resolved + "\n# network " + recipe.graph.name() + "\n" +
                     to_table(recipe.graph) + "\n# layer patterns\n";
  bool any = false;
  for (const Prediction& prediction : recipe.predictions) {
    for (const std::string& note : prediction.notes) {
      text += note + "\n";
      any = true;
    }
  }
  if (!any) text += "none\n";

  text += fmt::format(
      "\n# predicted after each stage (track {}; uniform sparsity where it is measured later)\n"
      "{:<16} {:>14} {:>16} {:>10} {:>9}\n",
      recipe.track.name, "stage", "parameters", "operations", "score", "time");
  double total = 0.0;
  for (size_t i = 0; i < recipe.stages.size(); ++i) {
    const Prediction& prediction = recipe.predictions[i];
    const Ledger ledger = count_network(prediction.graph, predicted_nonzeros(prediction));
    const int64_t storage_bits = ledger.storage_bits().to_integer();
    const int64_t op_bits = ledger.op_bits().to_integer();
    const double seconds = prediction.training_passes * speed.training_seconds +
                           (prediction.forward_images + static_cast<double>(data.test_size)) * speed.forward_seconds;
    total += seconds;
    text += fmt::format("{:<16} {:>14} {:>16} {:>10.6f} {:>9}\n", recipe.stages[i].id,
                        with_separators(storage_bits / 32), with_separators(op_bits / 32),
                        score_of(recipe.track, storage_bits, op_bits), readable_seconds(seconds));
  }
  return text + fmt::format("{:<16} {:>14} {:>16} {:>10} {:>9}\n", "all", "", "", "", readable_seconds(total));
}

}  // namespace carat
