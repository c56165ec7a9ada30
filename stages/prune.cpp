// SPDX-License-Identifier: Apache-2.0
// prune: a sparsity per layer, masks, retraining with the dense network as teacher.
#include <algorithm>
#include <cmath>

#include "base/fail.h"
#include "base/hash.h"
#include "stages/allocation_options.h"
#include "stages/catalog.h"
#include "stages/mask_pattern.h"
#include "stages/mask_scores.h"
#include "stages/second_order.h"
#include "stages/training.h"

namespace carat {
namespace {

class Prune : public Stage {
 public:
  Prune() {
    retrain_.epochs = 5;
    retrain_.lr = 0.05;
    retrain_.loss.distillation = 1.0;
  }

  void describe(OptionTable& table) override {
    allocation_.describe(table);
    table.choice("criterion", criterion_, criterion_names(), "which weights go first");
    table.integer("calibration_images", calibration_, {1, 1000000}, "second_order: training images to measure on");
    table.group("pattern", "which weights go together", [this](OptionTable& inner) { pattern_.describe(inner); });
    table.group("masks", "when masks are made", [this](OptionTable& inner) { schedule_.describe(inner); });
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
    pattern_.check("prune", allocation_.target);
    check_n_of_m();
    require(criterion_ != "second_order" || schedule_.kind == "one_shot",
            "prune.masks.kind: expected one_shot with criterion: second_order, got {}", schedule_.kind);
    require(criterion_ != "second_order" || calibration_ <= prediction.training_images,
            "prune.calibration_images: expected at most {} training images, got {}", prediction.training_images,
            calibration_);
    std::vector<LayerSpec> layers = prediction.graph.layers();
    for (LayerSpec& layer : layers)
      require(layer.op != OpKind::scale && !layer.quant,
              "prune: layer {} is already quantized; put prune before quantize", layer.name);
    retrain_.check("prune.retrain", prediction.graph, prediction.held_back_images);
    check_rules(prediction.graph);
    for (const auto& rule : rules_)
      for (const std::string& name : match_layers(rule->pattern.text, prediction.graph.weight_layers()))
        prediction.notes.push_back(
            fmt::format("prune.layers '{}': {} at sparsity {}", rule->pattern.text, name, rule->sparsity));
    const std::vector<AllocationLayer> planned = allocation_layers(prediction.graph);
    const ModelGraph masked = masked_graph(prediction.graph);
    for (const auto& [name, sparsity] :
         pattern_.kind == "n_m" ? of_bounds(planned) : allocation_.plan(planned, masked, prediction)) {
      double& density = prediction.density.try_emplace(name, 1.0).first->second;
      density = std::min(density, 1.0 - sparsity);
    }
    prediction.graph = masked;
    prediction.training_passes = static_cast<double>(retrain_.epochs * prediction.training_images);
    prediction.forward_images = prediction.training_passes;
  }

  void run(Model& model, StageContext& context) override {
    model.graph = masked_graph(model.graph);
    // What was pruned before stays so; it counts towards the target.
    for (const std::string& name : model.graph.weight_layers()) {
      const Buffer& weights = model.buffer(name + ".weight");
      model.masks.try_emplace(name, SparsityMask{weights.shape, std::vector<uint8_t>(weights.values.size(), 1)});
    }
    const std::map<std::string, SparsityMask> before = model.masks;
    const std::vector<AllocationLayer> layers = allocation_layers(model.graph);
    Plan plan = {layers, {}};
    if (pattern_.kind == "n_m")
      plan.fixed = of_bounds(layers);
    else if (!allocation_.follows_weights())
      plan.fixed = allocation_.decide(layers, model.graph, context);
    MaskSchedule schedule(schedule_, [&, this](const Network& network, double share) {
      return masks(network, plan, weight_scores(network, criterion_), share, before);
    });
    if (schedule_.kind == "one_shot" || retrain_.epochs == 0) {
      prune_at_once(model, plan, before, context);
      write_table(model, context);
      train_model(model, retrain_, nullptr, context);
      return;
    }
    train_model(model, retrain_, &schedule, context);
    write_table(model, context);
  }

  std::string input_identity(const Prediction& planned) const override {
    return Hasher()
        .number(planned.track.parameter_norm)
        .number(planned.track.op_norm)
        .text(retrain_.input_identity())
        .hex();
  }

 private:
  struct Rule {
    OptionTable::Pattern pattern;
    double sparsity = 0.0;
  };

  ModelGraph masked_graph(const ModelGraph& graph) const {
    std::vector<LayerSpec> layers = graph.layers();
    for (LayerSpec& layer : layers) {
      if (!has_weights(layer)) continue;
      layer.is_masked = true;
      if (pattern_.kind == "block") layer.block = pattern_.block;
    }
    return ModelGraph(graph.name(), layers);
  }

  // N of M prunes a layer to 1 - n / m or leaves it.
  void check_n_of_m() const {
    if (pattern_.kind != "n_m") return;
    const std::string kept = fmt::format("{} of {} kept", pattern_.n, pattern_.m);
    const double zeros = pattern_.n_m_sparsity();
    require(allocation_.kind == "uniform", "prune.allocation: expected uniform with {}, got {}", kept,
            allocation_.kind);
    require(schedule_.kind != "gradual", "prune.masks.kind: expected one_shot, dynamic or ac_dc with {}, got gradual",
            kept);
    require(allocation_.highest >= zeros, "prune.max_sparsity: expected at least {} with {}, got {}", zeros, kept,
            allocation_.highest);
    for (const auto& rule : rules_)
      require(rule->pattern.text.empty() || rule->sparsity == 0.0 || std::abs(rule->sparsity - zeros) < 1e-9,
              "{}:{}:{}: {}: expected sparsity 0 or {} with {}, got {}", rule->pattern.at.file, rule->pattern.at.line,
              rule->pattern.at.column, rule->pattern.path, zeros, kept, rule->sparsity);
  }

  static std::map<std::string, double> of_bounds(const std::vector<AllocationLayer>& layers) {
    std::map<std::string, double> sparsities;
    for (const AllocationLayer& layer : layers) sparsities[layer.name] = layer.lowest;
    return sparsities;
  }

  // Every pattern matches a layer, no layer is matched twice with different sparsities.
  void check_rules(const ModelGraph& graph) const {
    std::map<std::string, const Rule*> of_layer;
    for (const auto& rule : rules_) {
      if (rule->pattern.text.empty()) continue;
      for (const std::string& name : matched_layers(rule->pattern, graph.weight_layers())) {
        const Rule*& first = of_layer[name];
        require(first == nullptr || first->sparsity == rule->sparsity,
                "{}:{}:{}: {}: expected one sparsity for layer {}, got {} here and {} from '{}'", rule->pattern.at.file,
                rule->pattern.at.line, rule->pattern.at.column, rule->pattern.path, name, rule->sparsity,
                first == nullptr ? 0.0 : first->sparsity, first == nullptr ? "" : first->pattern.text);
        first = rule.get();
      }
    }
  }

  std::vector<AllocationLayer> allocation_layers(const ModelGraph& graph) const {
    std::vector<AllocationLayer> layers;
    for (const std::string& name : graph.weight_layers()) {
      AllocationLayer layer{name, graph.weight_count(graph.layer(name)), 0.0, allocation_.highest};
      if (pattern_.kind == "n_m") layer.lowest = layer.highest = pattern_.n_m_sparsity();
      for (const auto& rule : rules_)
        if (!match_layers(rule->pattern.text, {name}).empty()) layer.lowest = layer.highest = rule->sparsity;
      layers.push_back(layer);
    }
    return layers;
  }

  struct Plan {
    std::vector<AllocationLayer> layers;
    std::optional<std::map<std::string, double>> fixed;  // sparsities, unless they follow the weights
  };

  // Costs of removal are in units of the loss already.
  std::map<std::string, double> sparsities_of(const Plan& plan, const LayerScores& scores) const {
    if (plan.fixed) return *plan.fixed;
    return allocate_globally(plan.layers, scores, allocation_.target,
                             allocation_.kind == "global" && criterion_ != "second_order");
  }

  // before: what is pruned already.
  Masks masks(const Network& network, const Plan& plan, const LayerScores& scores, double share,
              const std::map<std::string, SparsityMask>& before) const {
    const std::map<std::string, double> sparsities = sparsities_of(plan, scores);
    Masks masks;
    for (const auto& [name, sparsity] : sparsities) {
      const SparsityMask& was = before.at(name);
      std::vector<uint8_t> kept = mask_of(scores.at(name), was.shape.front(), sparsity * share, pattern_);
      for (size_t i = 0; i < kept.size(); ++i) kept[i] &= was.kept[i];
      masks[name] = to_tensor({was.shape, {kept.begin(), kept.end()}}, network.device());
    }
    return masks;
  }

  void prune_at_once(Model& model, const Plan& plan, const std::map<std::string, SparsityMask>& before,
                     StageContext& context) const {
    Network network(model, context.device());
    const auto set = [&](const LayerScores& scores) {
      for (const auto& [name, kept] : masks(network, plan, scores, 1.0, before)) network.set_mask(name, kept);
    };
    if (criterion_ == "second_order") {
      const auto measured = curvatures(network, calibration_, context);
      set(removal_scores(network, measured));
      make_up_for_masks(network, measured);
    } else {
      set(weight_scores(network, criterion_));
    }
    network.settle_masks();
    network.store(model);
  }

  void write_table(const Model& model, StageContext& context) const {
    std::map<std::string, double> sparsities;
    for (const std::string& name : model.graph.weight_layers()) {
      const SparsityMask& mask = model.masks.at(name);
      const auto kept = std::count(mask.kept.begin(), mask.kept.end(), uint8_t{1});
      sparsities[name] = 1.0 - static_cast<double>(kept) / static_cast<double>(mask.kept.size());
    }
    std::string table = "layer,weights,sparsity\n";
    if (const std::optional<Track> track = context.track()) {
      table = allocation_table(allocation_.scorer(model.graph, *track), sparsities);
    } else {
      for (const std::string& name : model.graph.weight_layers())
        table += fmt::format("{},{},{:.6f}\n", name, model.masks.at(name).kept.size(), sparsities.at(name));
    }
    context.write_file("allocation.csv", table);
    context.log(fmt::format("pruned to sparsity {:.4f}", sparsity(model)));
  }

  AllocationOptions allocation_;
  std::string criterion_ = "magnitude";
  int64_t calibration_ = 2048;
  MaskPattern pattern_;
  MaskScheduleOptions schedule_;
  std::vector<std::unique_ptr<Rule>> rules_;
  TrainingOptions retrain_;
};

}  // namespace

std::unique_ptr<Stage> make_prune() { return std::make_unique<Prune>(); }

}  // namespace carat
