// SPDX-License-Identifier: Apache-2.0
#include "models/weights/drop_dead.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "base/fail.h"
#include "models/weights/constants.h"

namespace carat {
namespace {

using Kept = std::map<std::string, std::vector<bool>>;  // by layer and channel

int64_t count_of(const std::vector<bool>& kept) { return std::count(kept.begin(), kept.end(), true); }

bool is_depthwise(const ModelGraph& graph, const LayerSpec& layer) {
  return layer.op == OpKind::conv && layer.groups > 1 && layer.groups == layer.out_channels &&
         layer.groups == graph.input_shape(layer).channels;
}

// Sets of channels that stay or go together.
class ChannelSets {
 public:
  explicit ChannelSets(const ModelGraph& graph) : graph_(graph) {
    for (const LayerSpec& layer : graph.layers()) {
      first_[layer.name] = static_cast<int64_t>(parent_.size());
      parent_.resize(parent_.size() + static_cast<size_t>(graph.shape_of(layer.name).channels));
    }
    std::iota(parent_.begin(), parent_.end(), int64_t{0});
    for (const LayerSpec& layer : graph.layers()) tie(layer);
  }

  int64_t set_of(const std::string& layer, int64_t channel) const {
    int64_t node = first_.at(layer) + channel;
    while (parent_[static_cast<size_t>(node)] != node) node = parent_[static_cast<size_t>(node)];
    return node;
  }

 private:
  void join(const std::string& a, int64_t channel_a, const std::string& b, int64_t channel_b) {
    const int64_t one = set_of(a, channel_a);
    const int64_t other = set_of(b, channel_b);
    parent_[static_cast<size_t>(std::max(one, other))] = std::min(one, other);
  }

  void tie(const LayerSpec& layer) {
    if (layer.op == OpKind::input || layer.op == OpKind::shuffle ||
        (has_weights(layer) && !is_depthwise(graph_, layer)))
      return;
    int64_t offset = 0;
    for (const std::string& from : layer.inputs) {
      const int64_t channels = layer.op == OpKind::slice ? layer.out_channels : graph_.shape_of(from).channels;
      for (int64_t c = 0; c < channels; ++c)
        join(layer.name, offset + c, from, layer.op == OpKind::slice ? layer.begin + c : c);
      if (layer.op == OpKind::concat) offset += channels;
    }
  }

  const ModelGraph& graph_;
  std::map<std::string, int64_t> first_;
  std::vector<int64_t> parent_;
};

class Dropper {
 public:
  explicit Dropper(Model& model)
      : model_(model), graph_(model.graph), sets_(model.graph), constants_(constant_channels(model)) {}

  // Whether anything went.
  bool run(Dropped& dropped) {
    for (const LayerSpec& layer : graph_.layers()) lock(layer);
    const Kept kept = choose();
    bool is_same = true;
    for (const auto& [name, channels] : kept) is_same = is_same && count_of(channels) == std::ssize(channels);
    if (is_same) return false;
    for (const LayerSpec& layer : graph_.layers())
      if (has_weights(layer) && !is_depthwise(graph_, layer)) fold(layer, kept.at(layer.inputs.front()));
    rebuild(kept, dropped);
    return true;
  }

 private:
  void lock_all(const std::string& layer) {
    for (int64_t c = 0; c < graph_.shape_of(layer).channels; ++c) locked_.insert(sets_.set_of(layer, c));
  }

  void lock(const LayerSpec& layer) {
    const bool is_other_group = layer.op == OpKind::conv && layer.groups > 1 && !is_depthwise(graph_, layer);
    if (layer.op == OpKind::input || layer.op == OpKind::shuffle || is_other_group || layer.block ||
        layer.name == graph_.output().name) {
      lock_all(layer.name);
      for (const std::string& from : layer.inputs)
        if (layer.op == OpKind::shuffle || is_other_group || layer.block) lock_all(from);
    }
    if (!has_weights(layer) || is_other_group || is_depthwise(graph_, layer)) return;
    const KernelView view(model_, layer);
    for (int64_t c = 0; c < view.channels(); ++c)
      for (int64_t k = 0; k < view.kernels(); ++k)
        if (view.reads(k, c) && !can_fold(layer, c)) {
          locked_.insert(sets_.set_of(layer.inputs.front(), c));
          break;
        }
  }

  bool can_fold(const LayerSpec& layer, int64_t channel) const {
    const std::optional<double>& value = constants_.at(layer.inputs.front())[static_cast<size_t>(channel)];
    if (!value) return false;
    if (*value == 0.0) return true;
    return layer.padding + layer.extra_padding == 0 && (layer.has_bias || !norms_of(layer).empty());
  }

  // Batch norms behind a layer, where nothing else reads it.
  std::vector<std::string> norms_of(const LayerSpec& layer) const {
    std::vector<std::string> readers = graph_.consumers(layer.name);
    for (const std::string& reader : readers)
      if (graph_.layer(reader).op != OpKind::batch_norm) return {};
    return readers;
  }

  Kept choose() const {
    std::map<int64_t, std::map<std::string, std::vector<int64_t>>> members;  // of sets that may go
    Kept kept;
    for (const LayerSpec& layer : graph_.layers()) {
      const int64_t channels = graph_.shape_of(layer.name).channels;
      kept[layer.name].assign(static_cast<size_t>(channels), true);
      for (int64_t c = 0; c < channels; ++c)
        if (const int64_t set = sets_.set_of(layer.name, c); !locked_.contains(set))
          members[set][layer.name].push_back(c);
    }
    for (const auto& [set, layers] : members) {
      const bool leaves_one = std::all_of(layers.begin(), layers.end(), [&](const auto& member) {
        return count_of(kept.at(member.first)) > std::ssize(member.second);
      });
      if (!leaves_one) continue;
      for (const auto& [layer, channels] : layers)
        for (const int64_t c : channels) kept.at(layer)[static_cast<size_t>(c)] = false;
    }
    return kept;
  }

  // Constants of channels that go into the bias or the running means behind.
  void fold(const LayerSpec& layer, const std::vector<bool>& input_kept) {
    const KernelView view(model_, layer);
    const std::vector<std::optional<double>>& constants = constants_.at(layer.inputs.front());
    for (int64_t k = 0; k < view.kernels(); ++k) {
      double sum = 0.0;
      for (int64_t c = 0; c < view.channels(); ++c)
        if (const auto i = static_cast<size_t>(view.input_channel(k, c)); !input_kept[i] && view.reads(k, c))
          sum += *constants[i] * view.sum(k, c);
      if (sum == 0.0) continue;
      const auto add = [&](const std::string& buffer, double value) {
        float& number = model_.buffer(buffer).values[static_cast<size_t>(k)];
        number = static_cast<float>(number + value);
      };
      if (layer.has_bias)
        add(layer.name + ".bias", sum);
      else
        for (const std::string& norm : norms_of(layer)) add(norm + ".running_mean", -sum);
    }
  }

  void rebuild(const Kept& kept, Dropped& dropped) {
    std::vector<LayerSpec> layers;
    for (LayerSpec layer : graph_.layers()) {
      const std::vector<bool>& channels = kept.at(layer.name);
      if (layer.op == OpKind::slice) {
        const std::vector<bool>& in = kept.at(layer.inputs.front());
        layer.begin = std::count(in.begin(), in.begin() + layer.begin, true);
      }
      if (has_weights(layer)) dropped.kernels += std::ssize(channels) - count_of(channels);
      if (is_depthwise(graph_, layer)) layer.groups = count_of(channels);
      if (layer.op == OpKind::slice || has_weights(layer)) layer.out_channels = count_of(channels);
      layers.push_back(std::move(layer));
    }
    Model smaller;
    smaller.graph = ModelGraph(graph_.name(), std::move(layers));
    for (const LayerSpec& layer : graph_.layers()) {
      if (has_weights(layer)) shrink_weights(layer, kept, smaller, dropped);
      for (const char* part : {".bias", ".weight", ".running_mean", ".running_var", ".scale"})
        if (model_.buffers.contains(layer.name + part) && !(has_weights(layer) && std::string_view(part) == ".weight"))
          smaller.buffers[layer.name + part] = shrunk(model_.buffer(layer.name + part), kept.at(layer.name));
    }
    model_ = std::move(smaller);
  }

  static Buffer shrunk(const Buffer& buffer, const std::vector<bool>& kept) {
    Buffer result{{count_of(kept)}, {}};
    for (size_t c = 0; c < kept.size(); ++c)
      if (kept[c]) result.values.push_back(buffer.values[c]);
    return result;
  }

  void shrink_weights(const LayerSpec& layer, const Kept& kept, Model& smaller, Dropped& dropped) const {
    const KernelView view(model_, layer);
    const std::vector<float>& weights = model_.buffer(layer.name + ".weight").values;
    const auto mask = model_.masks.find(layer.name);
    const std::vector<int64_t> shape = smaller.graph.weight_shape(smaller.graph.layer(layer.name));
    Buffer result{shape, {}};
    SparsityMask result_mask{shape, {}};
    size_t i = 0;
    for (int64_t k = 0; k < view.kernels(); ++k)
      for (int64_t c = 0; c < view.channels(); ++c)
        for (int64_t tap = 0; tap < view.taps(); ++tap, ++i) {
          if (!kept.at(layer.name)[static_cast<size_t>(k)] ||
              !kept.at(layer.inputs.front())[static_cast<size_t>(view.input_channel(k, c))])
            continue;
          result.values.push_back(weights[i]);
          if (mask != model_.masks.end()) result_mask.kept.push_back(mask->second.kept[i]);
        }
    dropped.weights += std::ssize(weights) - std::ssize(result.values);
    smaller.buffers[layer.name + ".weight"] = std::move(result);
    if (mask != model_.masks.end()) smaller.masks[layer.name] = std::move(result_mask);
  }

  Model& model_;
  const ModelGraph graph_;
  const ChannelSets sets_;
  const ConstantChannels constants_;
  std::set<int64_t> locked_;
};

}  // namespace

Dropped drop_dead_kernels(Model& model) {
  for (const LayerSpec& layer : model.graph.layers())
    require(!layer.quant, "layer {}: expected a network in floating point, got quantized {}", layer.name,
            has_weights(layer) ? "weights" : "activations");
  Dropped dropped;
  while (Dropper(model).run(dropped)) {
  }
  return dropped;
}

}  // namespace carat
