// SPDX-License-Identifier: Apache-2.0
#include "stages/fusion.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "base/fail.h"
#include "base/half.h"
#include "models/weights/fold.h"
#include "stages/fuse_tables.h"

namespace carat {
namespace {

bool passes_factor(OpKind op) {
  static const std::set<OpKind> kPassing = {OpKind::relu,     OpKind::add,      OpKind::concat,
                                            OpKind::max_pool, OpKind::avg_pool, OpKind::global_avg_pool,
                                            OpKind::dropout,  OpKind::upsample, OpKind::shuffle};
  return kPassing.contains(op);
}

class Fuser {
 public:
  Fuser(const Model& model, Arithmetic arithmetic) : graph_(model.graph), model_(model), arithmetic_(arithmetic) {}

  Model run() {
    layers_ = make_tables(model_, numbers_);
    const std::vector<LayerSpec> before = layers_;
    for (const LayerSpec& layer : before) {
      if (has_weights(layer) && layer.quant && !layer.has_unit_scale) open_weights(layer);
      if (layer.op == OpKind::batch_norm) open_batch_norm(layer);
      if (layer.op == OpKind::activation_quant && !layer.has_unit_scale) open_quantizer(layer);
      if (layer.op == OpKind::dropout) remove(layer.name);
    }
    while (merge_once() || move_once()) {
    }
    remove_clamped_relus();
    return finish();
  }

 private:
  LayerSpec& find(const std::string& name) {
    return *std::find_if(layers_.begin(), layers_.end(), [&](const LayerSpec& l) { return l.name == name; });
  }

  std::vector<LayerSpec*> consumers(const std::string& name) {
    std::vector<LayerSpec*> found;
    for (LayerSpec& layer : layers_)
      if (std::find(layer.inputs.begin(), layer.inputs.end(), name) != layer.inputs.end()) found.push_back(&layer);
    return found;
  }

  int64_t channels_of(const std::string& name) const { return graph_.shape_of(name).channels; }

  // Readers of `from` read `to` instead, except `to` itself.
  void redirect(const std::string& from, const std::string& to) {
    for (LayerSpec& layer : layers_)
      if (layer.name != to) std::replace(layer.inputs.begin(), layer.inputs.end(), from, to);
  }

  void remove(const std::string& layer) {
    const std::string name = layer;  // may be the name inside the layer that goes
    const std::string source = find(name).inputs.front();
    redirect(name, source);
    std::erase_if(layers_, [&](const LayerSpec& l) { return l.name == name; });
    affine_.erase(name);
  }

  void insert_scale(const std::string& name, const std::string& after, Affine affine) {
    LayerSpec scale;
    scale.name = name;
    scale.op = OpKind::scale;
    scale.inputs = {after};
    scale.arithmetic = arithmetic_;
    const auto position =
        std::find_if(layers_.begin(), layers_.end(), [&](const LayerSpec& l) { return l.name == after; });
    layers_.insert(position + 1, scale);
    affine_[name] = std::move(affine);
  }

  // real = scale * (code - zero point)
  struct CodeGrid {
    double scale = 1.0;
    int64_t zero_point = 0;
    bool is_shifted = false;

    bool operator==(const CodeGrid&) const = default;
  };

  // Of the codes that a layer gives, looking through operations that keep codes.
  CodeGrid code_grid(const std::string& name, const std::string& reader) const {
    const LayerSpec& layer = graph_.layer(name);
    if (layer.op == OpKind::input) return {1.0 / 255.0};
    if (layer.op == OpKind::activation_quant || layer.op == OpKind::table) {
      if (layer.has_unit_scale) return {};
      const double scale = model_.buffer(name + ".scale").values[0];
      if (!layer.quant->is_shifted()) return {scale};
      return {scale, static_cast<int64_t>(model_.buffer(name + ".zero_point").values[0]), true};
    }
    require(keeps_codes(layer.op),
            "fuse: layer {}: its weights are quantized but its input '{}' is not; give it activation bits", reader,
            name);
    const CodeGrid grid = code_grid(layer.inputs.front(), reader);
    for (const std::string& from : layer.inputs)
      require(code_grid(from, reader) == grid, "fuse: layer {}: the inputs of '{}' have different scales", reader,
              name);
    return grid;
  }

  // Zeros of the border have the code of zero.
  void pad_with_zero_point(const std::string& name, int64_t zero_point) {
    LayerSpec& layer = find(name);
    if (layer.padding + layer.extra_padding == 0) return;
    LayerSpec pad;
    pad.name = name + ".pad";
    pad.op = OpKind::pad;
    pad.inputs = layer.inputs;
    pad.padding = std::exchange(layer.padding, 0);
    pad.extra_padding = std::exchange(layer.extra_padding, 0);
    pad.fill = zero_point;
    layer.inputs = {pad.name};
    const auto position =
        std::find_if(layers_.begin(), layers_.end(), [&](const LayerSpec& l) { return l.name == name; });
    layers_.insert(position, pad);
  }

  void open_weights(const LayerSpec& before) {
    const CodeGrid input = code_grid(before.inputs.front(), before.name);
    if (input.is_shifted) pad_with_zero_point(before.name, input.zero_point);
    LayerSpec& layer = find(before.name);
    const Buffer& scales = model_.buffer(layer.name + ".weight_scale");
    Buffer& weights = numbers_[layer.name + ".weight"];
    weights = model_.buffer(layer.name + ".weight");
    const auto kernels = static_cast<size_t>(weights.shape[0]);
    const size_t size = weights.values.size() / kernels;
    Affine affine{std::vector<double>(kernels), {}};
    for (size_t kernel = 0; kernel < kernels; ++kernel) {
      const float scale = scales.values[scales.values.size() == 1 ? 0 : kernel];
      affine.k[kernel] = input.scale * static_cast<double>(scale);
      double sum = 0.0;
      for (size_t i = kernel * size; i < (kernel + 1) * size; ++i) {
        weights.values[i] = std::nearbyint(weights.values[i] / scale) + 0.0F;
        sum += static_cast<double>(weights.values[i]);
      }
      if (input.is_shifted) affine.b.push_back(-affine.k[kernel] * static_cast<double>(input.zero_point) * sum);
    }
    if (layer.has_bias) {
      const std::vector<float>& bias = model_.buffer(layer.name + ".bias").values;
      affine.b.resize(kernels, 0.0);
      for (size_t kernel = 0; kernel < kernels; ++kernel) affine.b[kernel] += bias[kernel];
    }
    layer.has_bias = false;
    layer.has_unit_scale = true;
    const std::string name = layer.name + ".scale";
    redirect(layer.name, name);
    insert_scale(name, before.name, std::move(affine));
  }

  void open_batch_norm(const LayerSpec& before) {
    LayerSpec& layer = find(before.name);
    layer.op = OpKind::scale;
    layer.epsilon = LayerSpec{}.epsilon;
    layer.arithmetic = arithmetic_;
    affine_[layer.name] = batch_norm_affine(model_, before);
  }

  void open_quantizer(const LayerSpec& before) {
    const CodeGrid grid = code_grid(before.name, before.name);
    const std::string source = before.inputs.front();
    const std::string name = before.name + ".scale";
    const auto channels = static_cast<size_t>(channels_of(source));
    LayerSpec& layer = find(before.name);
    layer.has_unit_scale = true;
    if (grid.is_shifted) layer.quant = QuantSpec::unsigned_tensor(layer.quant->bits(), layer.quant->rounding());
    const std::string actual_source = layer.inputs.front();
    layer.inputs = {name};
    Affine affine{std::vector<double>(channels, 1.0 / grid.scale), {}};
    if (grid.is_shifted) affine.b.assign(channels, static_cast<double>(grid.zero_point));
    insert_scale(name, actual_source, std::move(affine));
  }

  // Scale after Scale, the first read by the second only.
  bool merge_once() {
    for (const LayerSpec& second : layers_) {
      if (second.op != OpKind::scale) continue;
      const std::string first_name = second.inputs.front();
      if (find(first_name).op != OpKind::scale || consumers(first_name).size() != 1) continue;
      const Affine& outer = affine_.at(second.name);
      Affine& inner = affine_.at(first_name);
      if (inner.b.empty() && !outer.b.empty()) inner.b.assign(inner.k.size(), 0.0);
      for (size_t c = 0; c < inner.k.size(); ++c) {
        inner.k[c] *= outer.k[c];
        if (!inner.b.empty()) inner.b[c] = inner.b[c] * outer.k[c] + (outer.b.empty() ? 0.0 : outer.b[c]);
      }
      remove(second.name);
      return true;
    }
    return false;
  }

  bool can_absorb(const std::string& name) {
    if (consumers(name).size() != 1) return false;
    const LayerSpec& layer = find(name);
    if (layer.op == OpKind::scale) return true;
    return passes_factor(layer.op) && std::all_of(layer.inputs.begin(), layer.inputs.end(),
                                                  [&](const std::string& from) { return can_absorb(from); });
  }

  void absorb(const std::string& name, double factor) {
    if (find(name).op != OpKind::scale) {
      for (const std::string& from : find(name).inputs) absorb(from, factor);
      return;
    }
    Affine& affine = affine_.at(name);
    for (double& k : affine.k) k *= factor;
    for (double& b : affine.b) b *= factor;
  }

  // One positive factor for all channels moves back to the Scale layers behind it.
  bool move_once() {
    for (const LayerSpec& layer : layers_) {
      if (layer.op != OpKind::scale) continue;
      const Affine& affine = affine_.at(layer.name);
      const bool uniform = std::all_of(affine.k.begin(), affine.k.end(), [&](double k) { return k == affine.k[0]; });
      if (!affine.b.empty() || !uniform || affine.k[0] <= 0.0 || !can_absorb(layer.inputs.front())) continue;
      absorb(layer.inputs.front(), affine.k[0]);
      remove(layer.name);
      return true;
    }
    return false;
  }

  void remove_clamped_relus() {
    std::vector<std::string> clamped;
    for (const LayerSpec& layer : layers_) {
      if (layer.op != OpKind::relu) continue;
      const std::vector<LayerSpec*> readers = consumers(layer.name);
      if (!readers.empty() && std::all_of(readers.begin(), readers.end(), [](const LayerSpec* reader) {
            return reader->op == OpKind::activation_quant && reader->has_unit_scale && !reader->quant->is_signed();
          }))
        clamped.push_back(layer.name);
    }
    for (const std::string& name : clamped) remove(name);
  }

  float stored(double value, const std::string& layer, size_t channel) const {
    const auto single = static_cast<float>(value);
    if (arithmetic_ == Arithmetic::float32) return single;
    const float half = round_to_half(single);
    require(std::isfinite(half), "fuse: layer {} channel {}: fp16 cannot hold {}; use arithmetic: float32", layer,
            channel, value);
    return half;
  }

  Model finish() {
    for (LayerSpec& layer : layers_)
      if (layer.op == OpKind::scale && affine_.contains(layer.name)) layer.has_bias = !affine_.at(layer.name).b.empty();
    Model fused;
    fused.graph = ModelGraph(graph_.name(), layers_);
    fused.masks = model_.masks;
    for (const auto& [name, shape] : buffer_shapes(fused.graph)) {
      const auto changed = numbers_.find(name);
      const auto kept = model_.buffers.find(name);
      if (changed != numbers_.end())
        fused.buffers[name] = changed->second;
      else if (kept != model_.buffers.end() && kept->second.shape == shape)
        fused.buffers[name] = kept->second;
    }
    for (const auto& [name, affine] : affine_) {
      fused.buffers[name + ".scale"] = stored_buffer(affine.k, name);
      if (!affine.b.empty()) fused.buffers[name + ".bias"] = stored_buffer(affine.b, name);
    }
    return fused;
  }

  Buffer stored_buffer(const std::vector<double>& values, const std::string& layer) const {
    Buffer buffer{{static_cast<int64_t>(values.size())}, {}};
    for (size_t c = 0; c < values.size(); ++c) buffer.values.push_back(stored(values[c], layer, c));
    return buffer;
  }

  const ModelGraph& graph_;
  const Model& model_;
  Arithmetic arithmetic_;
  std::vector<LayerSpec> layers_;
  std::map<std::string, Affine> affine_;
  std::map<std::string, Buffer> numbers_;
};

}  // namespace

Model fuse(const Model& model, Arithmetic arithmetic) { return Fuser(model, arithmetic).run(); }

ModelGraph fuse_graph(const ModelGraph& graph, Arithmetic arithmetic) {
  Model model;
  model.graph = graph;
  for (const auto& [name, shape] : buffer_shapes(graph)) {
    int64_t count = 1;
    for (const int64_t extent : shape) count *= extent;
    model.buffers[name] = {shape, std::vector<float>(static_cast<size_t>(count), 1.0F)};
  }
  return fuse(model, arithmetic).graph;
}

}  // namespace carat
