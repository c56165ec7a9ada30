// SPDX-License-Identifier: Apache-2.0
// select: ranks networks of the zoo that pass the track's gate by the score that they promise, and starts from one.
#include <algorithm>

#include "base/fail.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "models/file/model_file.h"
#include "models/file/weights_at_hand.h"
#include "stages/catalog.h"
#include "stages/predicted.h"

namespace carat {
namespace {

struct Candidate {
  const ZooVariant* variant = nullptr;
  double score = 0.0;
  bool passes = false;
};

// The published network with this graph; nullptr when there is none.
const ZooVariant* variant_of(const ModelGraph& graph) {
  for (const ZooEntry& entry : zoo())
    for (const ZooVariant& variant : entry.variants)
      if (is_trainable(variant) && build_network(variant).graph == graph) return &variant;
  return nullptr;
}

class Select : public Stage {
 public:
  void describe(OptionTable& table) override {
    table.texts("models", models_, "names of networks or patterns, e.g. [\"resnet*\", mobilenet_v2_100]");
    table.text("take", take_, "best, or the network to take whatever its rank");
    table.number("margin", margin_, {0, 100, "[0, 100]"},
                 "percentage points that the accuracy must lie above the gate");
    table.number("sparsity", guess_.sparsity, {0, 1, "[0, 1)"}, "of every layer, for the predicted score");
    table.integer("weight_bits", guess_.weight_bits, {2, 32}, "for the predicted score");
    table.integer("activation_bits", guess_.activation_bits, {1, 32}, "for the predicted score");
  }

  void plan(Prediction& prediction) const override {
    const std::vector<Candidate> ranked = rank(prediction);
    add_table(ranked, prediction);
    const Candidate& chosen = choose(ranked, prediction);
    prediction.notes.push_back(
        fmt::format("select: {} is taken; {}", chosen.variant->name,
                    weights_at_hand(*chosen.variant) ? "its weights are at hand" : "no weights at hand: train it"));
    prediction.graph = build_network(*chosen.variant).graph;
  }

  // model: the chosen network with random weights.
  void run(Model& model, StageContext& context) override {
    const ZooVariant* variant = variant_of(model.graph);
    require(variant != nullptr, "select: network {} is not of the zoo", model.graph.name());
    const std::optional<std::string> file = weights_at_hand(*variant);
    if (file) model = read_any_model(*file, variant->name);
    context.log(fmt::format("{}: {}", variant->name, file ? "weights from " + *file : "random weights"));
  }

  std::string input_identity(const Prediction& planned) const override {
    const ZooVariant* variant = variant_of(planned.graph);
    const std::optional<std::string> file = variant == nullptr ? std::nullopt : weights_at_hand(*variant);
    return file ? Hasher().text(read_text(*file)).hex() : "random";
  }

 private:
  bool is_wanted(const ZooVariant& variant) const {
    return std::any_of(models_.begin(), models_.end(),
                       [&](const std::string& pattern) { return matches_pattern(pattern, variant.name); });
  }

  // Networks that read the recipe's data, the lowest predicted score first; those that miss the gate, or of which no
  // accuracy is known, come last.
  std::vector<Candidate> rank(const Prediction& prediction) const {
    const Track& track = prediction.track;
    const double gate = track.gate_total == 0
                            ? 0.0
                            : 100.0 * static_cast<double>(track.gate_correct) / static_cast<double>(track.gate_total);
    std::vector<Candidate> ranked;
    int64_t wanted = 0;
    for (const ZooEntry& entry : zoo()) {
      for (const ZooVariant& variant : entry.variants) {
        if (!is_trainable(variant) || !is_wanted(variant)) continue;
        ++wanted;
        const bool fits = variant.classes == prediction.classes + variant.preprocessing.background_classes &&
                          (prediction.takes_any_size ? variant.input.channels == prediction.images.channels
                                                     : variant.input == prediction.images);
        if (!fits) continue;
        ranked.push_back({&variant, predicted_score(build_network(variant).graph, track, guess_),
                          variant.accuracy > 0.0 && variant.accuracy >= gate + margin_});
      }
    }
    require(wanted > 0,
            "select: models: expected the name of a network or a pattern that matches one (carat models), "
            "got {}",
            join(models_, ", "));
    require(!ranked.empty(), "select: none of the {} networks that match reads {} images of {} classes", wanted,
            to_text(prediction.images), prediction.classes);
    std::stable_sort(ranked.begin(), ranked.end(), [](const Candidate& a, const Candidate& b) {
      return std::pair(!a.passes, a.score) < std::pair(!b.passes, b.score);
    });
    return ranked;
  }

  void add_table(const std::vector<Candidate>& ranked, Prediction& prediction) const {
    prediction.notes.push_back(
        fmt::format("select: predicted on track {} at {:.0f} % zeros, {}-bit weights, {}-bit "
                    "activations",
                    prediction.track.name, 100.0 * guess_.sparsity, guess_.weight_bits, guess_.activation_bits));
    prediction.notes.push_back(
        fmt::format("  {:<24}{:>10}{:>9}  {:<12}{}", "network", "score", "top-1", "gate", "accuracy published by"));
    for (const Candidate& c : ranked) {
      const bool is_known = c.variant->accuracy > 0.0;
      prediction.notes.push_back(fmt::format("  {:<24}{:>10.6f}{:>9}  {:<12}{}", c.variant->name, c.score,
                                             is_known ? fmt::format("{:.2f} %", c.variant->accuracy) : "-",
                                             c.passes   ? "passed"
                                             : is_known ? "missed"
                                                        : "not known",
                                             c.variant->accuracy_source));
    }
  }

  const Candidate& choose(const std::vector<Candidate>& ranked, const Prediction& prediction) const {
    if (take_ == "best") {
      require(ranked.front().passes, "select: none of the {} networks that fit is known to pass the gate of track {}{}",
              ranked.size(), prediction.track.name, margin_ > 0.0 ? fmt::format(" by {} points", margin_) : "");
      return ranked.front();
    }
    std::vector<std::string> names = {"best"};
    for (const Candidate& candidate : ranked) {
      if (candidate.variant->name == take_) return candidate;
      names.push_back(candidate.variant->name);
    }
    const std::string nearest = nearest_name(take_, names);
    fail("select: take: expected one of: {}, got '{}'{}", join(names, ", "), take_,
         nearest.empty() ? "" : "; did you mean '" + nearest + "'?");
  }

  std::vector<std::string> models_ = {"*"};
  std::string take_ = "best";
  double margin_ = 0.0;
  CompressionGuess guess_;
};

}  // namespace

std::unique_ptr<Stage> make_select() { return std::make_unique<Select>(); }

}  // namespace carat
