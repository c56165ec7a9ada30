// SPDX-License-Identifier: Apache-2.0
// prune: a sparsity per layer, magnitude masks, retraining with the dense network as teacher.
#include <algorithm>

#include "base/fail.h"
#include "stages/catalog.h"
#include "stages/magnitude.h"
#include "stages/training.h"

namespace carat {
namespace {

class Prune : public Stage {
 public:
  Prune() {
    retrain_.epochs = 5;
    retrain_.lr = 0.05;
    retrain_.distillation = 1.0;
  }

  void describe(OptionTable& table) override {
    table.number("target_sparsity", target_, {0, 1, "[0, 1)"}, "zeros over all prunable weights");
    table.choice("allocation", allocation_, {"sensitivity", "global", "uniform"},
                 "how the target is shared between layers");
    table.number("max_sparsity", highest_, {0, 1, "[0, 1)"}, "no layer is pruned further than this");
    rules_.clear();
    table.patterns("layers", "layers with a sparsity of their own: {\"pattern\": {sparsity: 0}}",
                   [this](const OptionTable::Pattern& pattern, OptionTable& inner) {
                     rules_.push_back(std::make_unique<Rule>(Rule{pattern, 0.0}));
                     inner.number("sparsity", rules_.back()->sparsity, {0, 1, "[0, 1)"}, "sparsity of these layers");
                   });
    table.group("retrain", "training with the masks, the dense network as teacher",
                [this](OptionTable& inner) { retrain_.describe(inner); });
  }

  void plan(Prediction& prediction) const override {
    std::vector<LayerSpec> layers = prediction.graph.layers();
    for (LayerSpec& layer : layers) {
      require(layer.op != OpKind::scale && !layer.quant,
              "prune: layer {} is already quantized; put prune before quantize", layer.name);
      layer.is_masked = layer.is_masked || has_weights(layer);
    }
    for (const auto& rule : rules_)
      if (!rule->pattern.text.empty())
        for (const std::string& name : matched_layers(rule->pattern, prediction.graph.weight_layers()))
          prediction.notes.push_back(
              fmt::format("prune.layers '{}': {} at sparsity {}", rule->pattern.text, name, rule->sparsity));
    const auto allocation = allocate_uniformly(allocation_layers(prediction.graph), target_);
    for (const auto& [name, sparsity] : allocation) prediction.density[name] = 1.0 - sparsity;
    prediction.graph = ModelGraph(prediction.graph.name(), layers);
    prediction.training_passes = static_cast<double>(retrain_.epochs * prediction.training_images);
    prediction.forward_images = prediction.training_passes;
  }

  void run(Model& model, StageContext& context) override {
    const std::optional<Model> teacher =
        retrain_.distillation > 0.0 ? std::optional<Model>(context.dense_model()) : std::nullopt;
    const std::map<std::string, double> allocation = allocate(model, context);
    std::vector<LayerSpec> layers = model.graph.layers();
    std::string table = "layer,weights,sparsity\n";
    for (LayerSpec& layer : layers) {
      if (!has_weights(layer)) continue;
      layer.is_masked = true;
      Buffer& weights = model.buffer(layer.name + ".weight");
      SparsityMask& mask = model.masks[layer.name];
      mask = {weights.shape, magnitude_mask(weights.values, allocation.at(layer.name))};
      for (size_t i = 0; i < weights.values.size(); ++i)
        if (mask.kept[i] == 0) weights.values[i] = 0.0F;
      const auto kept = std::count(mask.kept.begin(), mask.kept.end(), uint8_t{1});
      table += fmt::format("{},{},{:.6f}\n", layer.name, mask.kept.size(),
                           1.0 - static_cast<double>(kept) / static_cast<double>(mask.kept.size()));
    }
    model.graph = ModelGraph(model.graph.name(), layers);
    context.write_file("allocation.csv", table);
    context.log(fmt::format("pruned to sparsity {:.4f}", sparsity(model)));
    train_model(model, retrain_, teacher ? &*teacher : nullptr, context);
  }

 private:
  struct Rule {
    OptionTable::Pattern pattern;
    double sparsity = 0.0;
  };

  std::vector<AllocationLayer> allocation_layers(const ModelGraph& graph) const {
    std::vector<AllocationLayer> layers;
    for (const std::string& name : graph.weight_layers()) {
      AllocationLayer layer{name, graph.weight_count(graph.layer(name)), 0.0, highest_};
      for (const auto& rule : rules_)
        if (!match_layers(rule->pattern.text, {name}).empty()) layer.lowest = layer.highest = rule->sparsity;
      layers.push_back(layer);
    }
    return layers;
  }

  std::map<std::string, double> allocate(const Model& model, StageContext& context) const {
    const std::vector<AllocationLayer> layers = allocation_layers(model.graph);
    if (allocation_ == "uniform") return allocate_uniformly(layers, target_);
    if (allocation_ == "global") return allocate_globally(layers, model, target_);
    const std::string csv = context.earlier_file("sensitivity", "sensitivity.csv");
    return allocate_by_sensitivity(layers, curves_from_csv(csv), target_);
  }

  double target_ = 0.7;
  std::string allocation_ = "sensitivity";
  double highest_ = 0.9;
  std::vector<std::unique_ptr<Rule>> rules_;
  TrainingOptions retrain_;
};

}  // namespace

std::unique_ptr<Stage> make_prune() { return std::make_unique<Prune>(); }

}  // namespace carat
