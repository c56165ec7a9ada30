// SPDX-License-Identifier: Apache-2.0
// rewrite: the same network with fewer operations, exactly or nearly; nothing is trained.
#include <torch/torch.h>

#include <algorithm>
#include <set>

#include "base/fail.h"
#include "base/text.h"
#include "data/loader.h"
#include "models/net/network.h"
#include "models/weights/drop_dead.h"
#include "models/weights/merge_gate.h"
#include "models/weights/merge_upsample.h"
#include "stages/catalog.h"
#include "stages/evaluate.h"

namespace carat {
namespace {

class Rewrite : public Stage {
 public:
  void describe(OptionTable& table) override {
    table.integer("upsample", size_, {0, 4096}, "side of the up-sampled image in pixels; 0 leaves it; not exact");
    table.flag("merge_upsample", merges_upsample_,
               "an up-sampling and the convolution behind it become one convolution on the image; exact");
    rules_.clear();
    table.patterns("activations", "activation functions to replace: {\"*\": {from: swish, to: hard_swish}}; not exact",
                   [this](const OptionTable::Pattern& pattern, OptionTable& inner) {
                     rules_.push_back(std::make_unique<Rule>(Rule{pattern}));
                     const std::vector<std::string> functions = {"relu",       "relu6",   "swish",
                                                                 "hard_swish", "sigmoid", "hard_sigmoid"};
                     inner.choice("from", rules_.back()->from, functions, "layers of this function are replaced");
                     inner.choice("to", rules_.back()->to, functions, "by this one");
                   });
    table.texts("gates", gates_,
                "patterns of squeeze-excite multiplies to replace by their mean gate; their branches go; not exact");
    table.integer("images", images_, {1, 1000000}, "gates: training images for the means");
    table.flag("dead_kernels", drops_dead_,
               "kernels that give a constant, and channels that no weight reads, go; exact in evaluation");
  }

  void plan(Prediction& prediction) const override {
    for (const LayerSpec& layer : prediction.graph.layers())
      require(!layer.quant && layer.op != OpKind::scale,
              "rewrite: layer {} is already quantized; put rewrite before quantize", layer.name);
    const std::vector<std::string> gates = chosen_gates(prediction.graph);
    ModelGraph graph = replaced(resized(prediction.graph), &prediction.notes);
    if (merges_upsample_) graph = merge_upsample(graph, upsample_of(graph));
    for (const std::string& gate : gates) {
      graph = merge_gate(graph, gate);
      prediction.notes.push_back(fmt::format("rewrite.gates: {} becomes a constant", gate));
    }
    check_weights(prediction.graph, graph);
    require(gates.empty() || images_ <= prediction.training_images,
            "rewrite.images: expected at most {} training images, got {}", prediction.training_images, images_);
    if (!gates.empty()) prediction.forward_images = static_cast<double>(images_);
    if (drops_dead_) prediction.notes.emplace_back("rewrite.dead_kernels: which go is known when it runs");
    prediction.graph = graph;
  }

  void run(Model& model, StageContext& context) override {
    const int64_t before = weights_of(model.graph);
    const std::vector<std::string> gates = chosen_gates(model.graph);
    model.graph = replaced(resized(model.graph), nullptr);
    if (merges_upsample_) model = merge_upsample(model, upsample_of(model.graph));
    const std::map<std::string, std::vector<double>> means = gate_means(model, gates, context);
    for (const std::string& gate : gates) model = merge_gate(model, gate, means.at(gate));
    Dropped dropped;
    if (drops_dead_) dropped = drop_dead_kernels(model);
    context.log(fmt::format("{} of {} weights left; {} dead kernels with {} weights, {} gates gone",
                            with_separators(weights_of(model.graph)), with_separators(before), dropped.kernels,
                            with_separators(dropped.weights), gates.size()));
  }

  bool changes_structure() const override { return true; }

 private:
  struct Rule {
    OptionTable::Pattern pattern;
    std::string from = "swish";
    std::string to = "hard_swish";
  };

  static int64_t weights_of(const ModelGraph& graph) {
    int64_t count = 0;
    for (const std::string& name : graph.weight_layers()) count += graph.weight_count(graph.layer(name));
    return count;
  }

  static std::string upsample_of(const ModelGraph& graph) {
    std::vector<std::string> found;
    for (const LayerSpec& layer : graph.layers())
      if (layer.op == OpKind::upsample) found.push_back(layer.name);
    require(found.size() == 1, "rewrite: expected a network with one up-sampling, got {} with {}", graph.name(),
            found.size());
    return found.front();
  }

  // An up-sampling to the size of its input goes.
  ModelGraph resized(const ModelGraph& graph) const {
    if (size_ == 0) return graph;
    const std::string name = upsample_of(graph);
    const Shape& in = graph.input_shape(graph.layer(name));
    const bool is_gone = in.height == size_ && in.width == size_;
    require(!is_gone || !merges_upsample_, "rewrite.upsample: {} pixels are those of the image: leave merge_upsample",
            size_);
    std::vector<LayerSpec> layers;
    for (LayerSpec layer : graph.layers()) {
      if (layer.name == name) layer.size = size_;
      if (is_gone && layer.name == name) continue;
      if (is_gone) std::replace(layer.inputs.begin(), layer.inputs.end(), name, graph.layer(name).inputs.front());
      layers.push_back(std::move(layer));
    }
    return ModelGraph(graph.name(), std::move(layers));
  }

  ModelGraph replaced(const ModelGraph& graph, std::vector<std::string>* notes) const {
    std::vector<LayerSpec> layers = graph.layers();
    for (const auto& rule : rules_) {
      if (rule->pattern.text.empty()) continue;
      std::vector<std::string> candidates;
      for (const LayerSpec& layer : graph.layers())
        if (name_of(layer.op) == rule->from) candidates.push_back(layer.name);
      const OptionTable::Pattern& pattern = rule->pattern;
      require(!candidates.empty(), "{}:{}:{}: {}: expected a network with {}, got {} without", pattern.at.file,
              pattern.at.line, pattern.at.column, pattern.path, rule->from, graph.name());
      const std::vector<std::string> found = matched_layers(pattern, candidates);
      for (LayerSpec& layer : layers)
        if (std::find(found.begin(), found.end(), layer.name) != found.end()) layer.op = op_named(rule->to);
      if (notes != nullptr)
        notes->push_back(fmt::format("rewrite.activations '{}': {} of {} become {}", rule->pattern.text, found.size(),
                                     rule->from, rule->to));
    }
    return ModelGraph(graph.name(), std::move(layers));
  }

  std::vector<std::string> chosen_gates(const ModelGraph& graph) const {
    const std::vector<std::string> all = gates_of(graph);
    std::set<std::string> chosen;
    for (const std::string& pattern : gates_) {
      const std::vector<std::string> found = match_layers(pattern, all);
      require(!found.empty(), "rewrite.gates: expected a pattern that matches a gate, got '{}'; the gates are: {}",
              pattern, all.empty() ? "none" : join(all, ", "));
      chosen.insert(found.begin(), found.end());
    }
    return {chosen.begin(), chosen.end()};
  }

  // Another resolution must leave linear layers as they are.
  static void check_weights(const ModelGraph& before, const ModelGraph& after) {
    for (const std::string& name : after.weight_layers())
      require(before.layer(name).op != OpKind::linear ||
                  before.weight_shape(before.layer(name)) == after.weight_shape(after.layer(name)),
              "rewrite.upsample: layer {}: expected as many inputs as before, {}, got {}", name,
              before.weight_shape(before.layer(name))[1], after.weight_shape(after.layer(name))[1]);
  }

  // Mean of every gate's values over training images, in float64.
  std::map<std::string, std::vector<double>> gate_means(const Model& model, const std::vector<std::string>& gates,
                                                        StageContext& context) const {
    constexpr int64_t kBatch = 64;
    std::map<std::string, std::vector<double>> means;
    if (gates.empty()) return means;
    std::vector<std::string> sources;
    for (const std::string& gate : gates) sources.push_back(gate_values(model.graph, gate));
    const torch::NoGradGuard no_grad;
    Network network(model, context.device());
    const Dataset& data = context.training_data();
    std::vector<int64_t> images = context.training_indices();
    images.resize(std::min(images.size(), static_cast<size_t>(images_)));
    const auto total = static_cast<int64_t>(images.size());
    int64_t seen = 0;
    for (int64_t begin = 0; begin < total; begin += kBatch) {
      const auto count = static_cast<size_t>(std::min(kBatch, total - begin));
      const Batch batch = gather(data, std::span(images).subspan(static_cast<size_t>(begin), count));
      std::map<std::string, at::Tensor> results;
      network.forward(pixels_of(batch.pixels, data, context.device()), Mode::evaluate, sources, results);
      for (size_t i = 0; i < gates.size(); ++i) {
        const Buffer values = to_buffer(results.at(sources[i]));
        const auto channels = static_cast<size_t>(model.graph.shape_of(gates[i]).channels);
        means[gates[i]].resize(channels, 0.0);
        for (size_t v = 0; v < values.values.size(); ++v) means[gates[i]][v % channels] += values.values[v];
      }
      seen += results.at(sources.front()).size(0);
      context.progress("averaging gates", begin + static_cast<int64_t>(count), total, "");
    }
    for (auto& [gate, sums] : means)
      for (double& sum : sums) sum /= static_cast<double>(seen);
    return means;
  }

  int64_t size_ = 0;
  bool merges_upsample_ = false;
  std::vector<std::unique_ptr<Rule>> rules_;
  std::vector<std::string> gates_;
  int64_t images_ = 1024;
  bool drops_dead_ = true;
};

}  // namespace

std::unique_ptr<Stage> make_rewrite() { return std::make_unique<Rewrite>(); }

}  // namespace carat
