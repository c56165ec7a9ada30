// SPDX-License-Identifier: Apache-2.0
// sensitivity: each prunable layer alone at each sparsity, accuracy and loss on held-back training images.
#include <sstream>

#include "base/fail.h"
#include "models/net/network.h"
#include "stages/catalog.h"
#include "stages/evaluate.h"
#include "stages/magnitude.h"

namespace carat {
namespace {

class Sensitivity : public Stage {
 public:
  void describe(OptionTable& table) override {
    table.numbers("sparsities", sparsities_, {0, 1, "(0, 1)"}, "sparsities to try, rising");
    table.integer("images", images_, {1, 1000000}, "held-back training images to measure on");
  }

  void plan(Prediction& prediction) const override {
    require(images_ <= prediction.held_back_images, "sensitivity.images: expected at most data.held_back = {}, got {}",
            prediction.held_back_images, images_);
    for (size_t i = 1; i < sparsities_.size(); ++i)
      require(sparsities_[i] > sparsities_[i - 1], "sensitivity.sparsities: expected a rising list, got {} after {}",
              sparsities_[i], sparsities_[i - 1]);
    const auto points = prediction.graph.weight_layers().size() * sparsities_.size();
    prediction.forward_images = static_cast<double>(points) * static_cast<double>(images_);
  }

  void run(Model& model, StageContext& context) override {
    Network network(model, context.device());
    std::vector<int64_t> images = context.held_back_indices();
    images.resize(static_cast<size_t>(images_));
    const Dataset& data = context.training_data();
    const std::vector<std::string> layers = model.graph.weight_layers();
    const auto total = static_cast<int64_t>(layers.size() * sparsities_.size()) + 1;

    // One record per measured point, in a fixed order, the dense network first.
    std::vector<std::string> done = context.records();
    const auto measure = [&](size_t point, const std::string& what) {
      if (point >= done.size()) {
        const Evaluation result = evaluate(network, data, images);
        done.push_back(fmt::format("{} {} {}", result.loss, result.correct, result.total));
        context.append_record(done.back());
      }
      context.progress("measuring", static_cast<int64_t>(point) + 1, total, what);
      std::istringstream record(done[point]);
      SensitivityPoint result;
      record >> result.loss >> result.correct >> result.total;
      return result;
    };

    SensitivityCurves curves;
    curves.dense_loss = measure(0, "dense network").loss;
    size_t point = 1;
    for (const std::string& layer : layers) {
      const std::vector<float>& weights = model.buffer(layer + ".weight").values;
      for (const double sparsity : sparsities_) {
        if (point >= done.size()) network.set_weights(layer, pruned(weights, sparsity));
        SensitivityPoint result = measure(point++, fmt::format("{} at {:.2f}", layer, sparsity));
        result.sparsity = sparsity;
        curves.layers[layer].push_back(result);
      }
      network.set_weights(layer, weights);
    }
    context.write_file("sensitivity.csv", to_csv(curves));
  }

 private:
  static std::vector<float> pruned(std::vector<float> weights, double sparsity) {
    const std::vector<uint8_t> kept = magnitude_mask(weights, sparsity);
    for (size_t i = 0; i < weights.size(); ++i) weights[i] *= static_cast<float>(kept[i]);
    return weights;
  }

  std::vector<double> sparsities_ = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9};
  int64_t images_ = 2000;
};

}  // namespace

std::unique_ptr<Stage> make_sensitivity() { return std::make_unique<Sensitivity>(); }

}  // namespace carat
