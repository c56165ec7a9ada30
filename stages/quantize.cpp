// SPDX-License-Identifier: Apache-2.0
// quantize: fits the weights of every kernel and the activations of every layer; trains nothing.
#include <torch/torch.h>

#include <algorithm>
#include <optional>

#include "base/fail.h"
#include "base/random.h"
#include "data/loader.h"
#include "models/graph/codes.h"
#include "models/net/device.h"
#include "models/net/network.h"
#include "models/packed/window_of.h"
#include "stages/activation_fit.h"
#include "stages/catalog.h"
#include "stages/evaluate.h"
#include "stages/fusion.h"
#include "stages/predicted.h"
#include "stages/quantize_weights.h"
#include "stages/quantizer_insertion.h"
#include "stages/sensitivity_run.h"
#include "stages/width_allocation.h"

namespace carat {
namespace {

constexpr int64_t kFloatBits = 32;

struct LayerBits {
  WeightCoding weights;
  int64_t activations = 4;
};

class Quantize : public Stage {
 public:
  void describe(OptionTable& table) override {
    table.group("weights", "codes of convolution and linear weights", [this](OptionTable& inner) {
      bits_.weights.describe(inner);
      inner.choice("zeros", zeros_, {"mask", "keep"},
                   "mask: weights that round to 0 join the layer's mask; a layer gets one where that stores less");
    });
    table.group("activations", "codes of the inputs of those layers", [this](OptionTable& inner) {
      inner.integer("bits", bits_.activations, {1, 32}, "bits per activation; 32 leaves them in floating point");
      inner.choice("shift", insertion_.shift, {"functions", "never", "always"},
                   "codes with a zero point: around swish and hard_swish, or wherever values may be negative");
      inner.choice("fit", fit_.method, {"least_squares", "maximum", "percentile"}, "how scale and shift are fitted");
      inner.number("percentile", fit_.percentile, {50, 100, "(50, 100]"}, "fit percentile: what the codes must reach");
    });
    table.group("tables", "activation functions between two quantizers, looked up by code", [this](OptionTable& inner) {
      inner.integer("bits", insertion_.table_bits, {0, 12}, "bits in front of the function; 0: no tables");
      inner.integer("elements", insertion_.table_elements, {1, 1000000000},
                    "functions with fewer results per image stay in floating point, which costs less than a table");
    });
    table.group("widths", "bits by layer under a target score",
                [this](OptionTable& inner) { widths_.describe(inner); });
    table.choice("rounding", rounding_, {"half_even", "half_away"}, "where exact halves go");
    table.integer("images", images_, {1, 100000}, "training images to fit the activation scales on");
    rules_.clear();
    table.patterns("layers", "other bits for some layers: {\"pattern\": {weights: {bits: 8}, activations: {bits: 8}}}",
                   [this](const OptionTable::Pattern& pattern, OptionTable& inner) {
                     rules_.push_back(std::make_unique<Rule>(Rule{pattern, {WeightCoding::same(), 0}}));
                     LayerBits& bits = rules_.back()->bits;
                     inner.group("weights", "weights of these layers",
                                 [&bits](OptionTable& group) { bits.weights.describe_layers(group); });
                     inner.group("activations", "inputs of these layers", [&bits](OptionTable& group) {
                       group.integer("bits", bits.activations, {0, 32}, "0 takes the stage's bits");
                     });
                   });
  }

  void plan(Prediction& prediction) const override {
    for (const auto& rule : rules_) {
      if (rule->pattern.text.empty()) continue;
      for (const std::string& name : matched_layers(rule->pattern, prediction.graph.weight_layers()))
        prediction.notes.push_back(fmt::format("quantize.layers '{}': {} weights {}, input {} bits", rule->pattern.text,
                                               name, bits_of(name).weights.text(), bits_of(name).activations));
    }
    const std::pair<int64_t, int64_t> bits = {bits_.weights.bits, bits_.activations};
    if (prediction.planned_bits && *prediction.planned_bits != bits)
      prediction.notes.push_back(
          fmt::format("quantize: prune.target_score was planned for {}-bit weights and {}-bit activations "
                      "(planned_bits), here are {} "
                      "and {}: another score",
                      prediction.planned_bits->first, prediction.planned_bits->second, bits.first, bits.second));
    if (widths_.is_on()) plan_widths(prediction);
    prediction.graph = with_quantizers(with_weight_bits(without_quantizers(prediction.graph)));
    prediction.forward_images = static_cast<double>(images_);
  }

  bool changes_scales() const override { return true; }
  void run(Model& model, StageContext& context) override {
    model = unquantized(model);
    if (widths_.is_on()) choose_widths(model, context);
    model = with_graph(model, with_weight_bits(model.graph));
    std::string table = "tensor,bits,scale,zero_point,relative_error,alternating_error\n";
    WeightFitReport report;
    for (const LayerSpec& layer : model.graph.layers())
      if (has_weights(layer) && layer.quant)
        quantize_weights(model, layer, bits_of(layer.name).weights, report, context.device());
    if (zeros_ == "mask") mask_zeros(model, report);
    table += report.rows;
    context.log(report.text());
    const ModelGraph quantized = with_quantizers(model.graph);
    const std::map<std::string, std::vector<float>> samples = sample_sources(model, quantized, context);
    model = with_graph(model, quantized);
    fit_activations(model, samples, table);
    context.write_file("scales.csv", table);
  }

 private:
  struct Rule {
    OptionTable::Pattern pattern;
    LayerBits bits;
  };

  // Whether a layer has no bits of its own.
  bool is_free(const std::string& layer, Coded what) const {
    return std::none_of(rules_.begin(), rules_.end(), [&](const auto& rule) {
      const int64_t bits = what == Coded::weights ? rule->bits.weights.bits : rule->bits.activations;
      return bits != 0 && !match_layers(rule->pattern.text, {layer}).empty();
    });
  }

  // Weights by layer; activations by what is read, the image apart, which has 8 bits.
  std::vector<WidthChoice> free_widths(const ModelGraph& graph) const {
    std::vector<WidthChoice> choices;
    const std::vector<int64_t> weights = widths_.widths(Coded::weights);
    const std::vector<int64_t> activations = widths_.widths(Coded::activations);
    std::map<std::string, std::vector<WidthKey>> readers;
    for (const std::string& layer : graph.weight_layers()) {
      if (is_free(layer, Coded::weights)) choices.push_back({{{layer, Coded::weights}}, weights});
      const std::string& source = graph.layer(layer).inputs.front();
      if (source != graph.input().name && is_free(layer, Coded::activations))
        readers[source].push_back({layer, Coded::activations});
    }
    if (activations.empty()) return choices;
    for (const auto& [source, keys] : readers) choices.push_back({keys, activations});
    return choices;
  }

  double score_of(const ModelGraph& graph, const KernelNonzeros& nonzeros, const Track& track,
                  const Widths& widths) const {
    const ModelGraph fused = fuse_graph(with_quantizers(with_weight_bits(graph, widths), widths), Arithmetic::fp16);
    return make_sheet(fused, nonzeros, track, 0, 0).score();
  }

  // What there is a choice of, and so must be measured.
  std::vector<Coded> chosen_by_widths() const {
    std::vector<Coded> kinds;
    for (const Coded what : {Coded::weights, Coded::activations})
      if (widths_.widths(what).size() > 1) kinds.push_back(what);
    return kinds;
  }

  // What each layer gets is decided by measurements: a plan shows what the choices reach.
  void plan_widths(Prediction& prediction) const {
    for (const Coded what : chosen_by_widths())
      require(prediction.measured_widths.contains(quantity_of(what)),
              "quantize.widths.target_score: expected a sensitivity stage of quantity: {} before, found none",
              quantity_of(what));
    Prediction plain = prediction;
    plain.graph = without_quantizers(prediction.graph);
    const KernelNonzeros nonzeros = predicted_nonzeros(plain);
    Widths widest;
    Widths narrowest;
    for (const WidthChoice& choice : free_widths(plain.graph))
      for (const WidthKey& key : choice.keys) {
        widest[key] = choice.bits.back();
        narrowest[key] = choice.bits.front();
      }
    const double high = score_of(plain.graph, nonzeros, prediction.track, widest);
    const double low = score_of(plain.graph, nonzeros, prediction.track, narrowest);
    require(low <= widths_.target_score,
            "quantize.widths.target_score: {} is out of reach, the choices allow {:.6f} at least", widths_.target_score,
            low);
    prediction.notes.push_back(fmt::format(
        "quantize: target_score {}: {:.6f} at the most bits, {:.6f} at the fewest; what loses little gets fewer",
        widths_.target_score, high, low));
  }

  void choose_widths(const Model& model, StageContext& context) {
    const std::optional<Track> track = context.track();
    require(track.has_value(), "quantize.widths: expected a track, found none");
    WidthRises rises;
    for (const Coded what : chosen_by_widths()) add_rises(rises, earlier_table(context, quantity_of(what)));
    const KernelNonzeros nonzeros = nonzeros_per_kernel(model);
    const auto score = [&](const Widths& widths) { return score_of(model.graph, nonzeros, *track, widths); };
    chosen_ = allocate_widths(free_widths(model.graph), rises, score, widths_.target_score);
    std::string table = "layer,what,bits\n";
    std::map<std::pair<Coded, int64_t>, int64_t> layers;
    for (const auto& [key, bits] : chosen_) {
      table += fmt::format("{},{},{}\n", key.first, name_of(key.second), bits);
      ++layers[{key.second, bits}];
    }
    std::string text;
    for (const auto& [kind, count] : layers)
      text += fmt::format(", {} of {} layers at {} bits", name_of(kind.first), count, kind.second);
    context.write_file("widths.csv", table);
    context.log(fmt::format("planned score {:.6f}, target_score {}{}", score(chosen_), widths_.target_score, text));
  }

  static std::string_view name_of(Coded what) { return what == Coded::weights ? "weights" : "activations"; }

  LayerBits bits_of(const std::string& layer) const { return bits_of(layer, chosen_); }
  LayerBits bits_of(const std::string& layer, const Widths& widths) const {
    LayerBits bits = bits_;
    if (const auto found = widths.find({layer, Coded::weights}); found != widths.end())
      bits.weights.bits = found->second;
    if (const auto found = widths.find({layer, Coded::activations}); found != widths.end())
      bits.activations = found->second;
    for (const auto& rule : rules_) {
      if (match_layers(rule->pattern.text, {layer}).empty()) continue;
      bits.weights = rule->bits.weights.over(bits.weights);
      if (rule->bits.activations != 0) bits.activations = rule->bits.activations;
    }
    require(bits.activations <= 16 || bits.activations == kFloatBits,
            "quantize: layer {}: expected activations of 1 to 16 bits or 32, got {}", layer, bits.activations);
    return bits;
  }

  // A network that is quantized already starts again from its weights before rounding, where it still has them.
  static Model unquantized(const Model& model) {
    Model plain = with_graph(model, without_quantizers(model.graph));
    for (const LayerSpec& layer : model.graph.layers()) {
      const auto found = model.buffers.find(layer.name + ".unrounded");
      if (layer.quant && found != model.buffers.end()) plain.buffers[layer.name + ".weight"] = found->second;
    }
    return plain;
  }

  ModelGraph with_weight_bits(const ModelGraph& graph) const { return with_weight_bits(graph, chosen_); }
  ModelGraph with_weight_bits(const ModelGraph& graph, const Widths& widths) const {
    std::vector<LayerSpec> layers = graph.layers();
    for (LayerSpec& layer : layers) {
      if (!has_weights(layer)) continue;
      layer.quant = bits_of(layer.name, widths).weights.spec(layer.name, rounding_named(rounding_));
    }
    return ModelGraph(graph.name(), layers);
  }

  ModelGraph with_quantizers(const ModelGraph& graph) const { return with_quantizers(graph, chosen_); }
  ModelGraph with_quantizers(const ModelGraph& graph, const Widths& widths) const {
    InsertionOptions options = insertion_;
    options.rounding = rounding_named(rounding_);
    options.bits_of = [&](const LayerSpec& layer) { return bits_of(layer.name, widths).activations; };
    return insert_quantizers(graph, options);
  }

  // The activation function behind a quantizer, where its readers are quantizers again: fuse will make a table of it.
  static std::optional<Unary> function_behind(const ModelGraph& graph, const LayerSpec& quantizer) {
    const auto readers = graph.consumers(quantizer.name);
    if (readers.size() != 1 || !can_be_table(graph.layer(readers.front()).op)) return std::nullopt;
    return unary_of(graph.layer(readers.front()).op);
  }

  void fit_activations(Model& model, const std::map<std::string, std::vector<float>>& samples,
                       std::string& table) const {
    for (const LayerSpec& layer : model.graph.layers()) {
      if (layer.op != OpKind::activation_quant) continue;
      const std::vector<float>& values = samples.at(layer.inputs.front());
      const ActivationFit fit = fit_activation(values, *layer.quant, fit_, function_behind(model.graph, layer));
      model.buffer(layer.name + ".scale").values = {static_cast<float>(fit.scale)};
      if (layer.quant->is_shifted())
        model.buffer(layer.name + ".zero_point").values = {static_cast<float>(fit.zero_point)};
      table += fmt::format("{},{},{:.6g},{},{:.6f},\n", layer.name, layer.quant->bits(), fit.scale, fit.zero_point,
                           relative_error(fit.squared_error, values));
    }
  }

  static double relative_error(double squared_error, std::span<const float> values) {
    double power = 0.0;
    for (const float x : values) power += static_cast<double>(x) * x;
    return power == 0.0 ? 0.0 : squared_error / power;
  }

  // Results of every quantizer's source on training images, thinned to at most kSamples values each.
  std::map<std::string, std::vector<float>> sample_sources(const Model& model, const ModelGraph& quantized,
                                                           StageContext& context) const {
    constexpr int64_t kBatch = 64;
    constexpr int64_t kSamples = 200000;
    std::vector<std::string> sources;
    for (const LayerSpec& layer : quantized.layers())
      if (layer.op == OpKind::activation_quant) sources.push_back(layer.inputs.front());
    Network network(model, context.device());
    const Dataset& data = context.training_data();
    std::vector<int64_t> images = context.training_indices();
    images.resize(std::min(images.size(), static_cast<size_t>(images_)));
    const auto total = static_cast<int64_t>(images.size());
    std::map<std::string, std::vector<float>> samples;
    for (int64_t begin = 0; begin < total; begin += kBatch) {
      const auto count = static_cast<size_t>(std::min(kBatch, total - begin));
      const Batch batch = gather(data, std::span(images).subspan(static_cast<size_t>(begin), count));
      std::map<std::string, at::Tensor> results;
      network.forward(pixels_of(batch.pixels, data, context.device()), Mode::evaluate, sources, results);
      for (const auto& [name, tensor] : results) {
        const int64_t size = tensor.numel();
        const int64_t wanted = std::max<int64_t>(1, std::min(size, kSamples * static_cast<int64_t>(count) / total));
        Random random({context.seed(), context.stage_id(), name, begin});
        std::vector<int64_t> places;
        for (int64_t i = 0; i < wanted; ++i) places.push_back(wanted == size ? i : random.below(size));
        // Only what is wanted leaves the device.
        const at::Tensor chosen =
            at::take(tensor, sent_to(context.device(), torch::tensor(c10::ArrayRef<int64_t>(places))));
        const std::vector<float> values = to_buffer(chosen).values;
        samples[name].insert(samples[name].end(), values.begin(), values.end());
      }
      context.progress("calibrating", begin + static_cast<int64_t>(count), total, "");
    }
    return samples;
  }

  LayerBits bits_;
  InsertionOptions insertion_;
  ActivationFitOptions fit_;
  WidthOptions widths_;
  Widths chosen_;  // by widths_, in run()
  std::string zeros_ = "mask";
  std::string rounding_ = "half_even";
  int64_t images_ = 512;
  std::vector<std::unique_ptr<Rule>> rules_;
};

}  // namespace

std::unique_ptr<Stage> make_quantize() { return std::make_unique<Quantize>(); }

}  // namespace carat
