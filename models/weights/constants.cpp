// SPDX-License-Identifier: Apache-2.0
#include "models/weights/constants.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "models/weights/fold.h"

namespace carat {
namespace {

using Constants = std::vector<std::optional<double>>;

double apply(OpKind op, double x) {
  switch (op) {
    case OpKind::relu:
      return std::max(x, 0.0);
    case OpKind::relu6:
      return std::clamp(x, 0.0, 6.0);
    case OpKind::swish:
      return x / (1.0 + std::exp(-x));
    case OpKind::hard_swish:
      return x * std::clamp(x + 3.0, 0.0, 6.0) / 6.0;
    case OpKind::sigmoid:
      return 1.0 / (1.0 + std::exp(-x));
    case OpKind::hard_sigmoid:
      return std::clamp(x + 3.0, 0.0, 6.0) / 6.0;
    default:
      return x;
  }
}

class Finder {
 public:
  explicit Finder(const Model& model) : model_(model) {}

  ConstantChannels run() {
    for (const LayerSpec& layer : model_.graph.layers()) found_[layer.name] = visit(layer);
    return std::move(found_);
  }

 private:
  const Constants& of(const std::string& layer) const { return found_.at(layer); }

  Constants visit(const LayerSpec& layer) const {
    const auto channels = static_cast<size_t>(model_.graph.shape_of(layer.name).channels);
    if (has_weights(layer)) return weighted(layer);
    switch (layer.op) {
      case OpKind::input:
      case OpKind::shuffle:
      case OpKind::activation_quant:
      case OpKind::table:
        return Constants(channels);
      case OpKind::batch_norm:
      case OpKind::scale:
        return affine(layer);
      case OpKind::add:
      case OpKind::multiply:
        return joined(layer);
      case OpKind::concat:
        return concatenated(layer);
      case OpKind::slice: {
        const auto begin = of(layer.inputs.front()).begin() + layer.begin;
        return {begin, begin + layer.out_channels};
      }
      default:
        return mapped(layer);
    }
  }

  Constants weighted(const LayerSpec& layer) const {
    const KernelView view(model_, layer);
    const Constants& in = of(layer.inputs.front());
    const bool is_padded = layer.padding + layer.extra_padding > 0;
    Constants result;
    for (int64_t k = 0; k < view.kernels(); ++k) {
      std::optional<double> value =
          layer.has_bias ? model_.buffer(layer.name + ".bias").values[static_cast<size_t>(k)] : 0.0F;
      for (int64_t c = 0; c < view.channels() && value; ++c) {
        if (!view.reads(k, c)) continue;
        const std::optional<double>& x = in[static_cast<size_t>(view.input_channel(k, c))];
        if (!x || (is_padded && *x != 0.0))
          value.reset();
        else
          *value += *x * view.sum(k, c);
      }
      result.push_back(value);
    }
    return result;
  }

  Constants affine(const LayerSpec& layer) const {
    Affine affine;
    if (layer.op == OpKind::batch_norm) {
      affine = batch_norm_affine(model_, layer);
    } else {
      const std::vector<float>& k = model_.buffer(layer.name + ".scale").values;
      affine.k.assign(k.begin(), k.end());
      affine.b.assign(k.size(), 0.0);
      if (layer.has_bias) std::copy_n(model_.buffer(layer.name + ".bias").values.begin(), k.size(), affine.b.begin());
    }
    Constants result = of(layer.inputs.front());
    for (size_t c = 0; c < result.size(); ++c)
      if (result[c]) *result[c] = affine.k[c] * *result[c] + affine.b[c];
    return result;
  }

  Constants joined(const LayerSpec& layer) const {
    const bool is_product = layer.op == OpKind::multiply;
    Constants result = of(layer.inputs.front());
    for (size_t i = 1; i < layer.inputs.size(); ++i) {
      const Constants& other = of(layer.inputs[i]);
      for (size_t c = 0; c < result.size(); ++c) {
        const bool is_zero = is_product && (result[c] == 0.0 || other[c] == 0.0);
        if (is_zero)
          result[c] = 0.0;
        else if (result[c] && other[c])
          result[c] = is_product ? *result[c] * *other[c] : *result[c] + *other[c];
        else
          result[c].reset();
      }
    }
    return result;
  }

  Constants concatenated(const LayerSpec& layer) const {
    Constants result;
    for (const std::string& from : layer.inputs) result.insert(result.end(), of(from).begin(), of(from).end());
    return result;
  }

  Constants mapped(const LayerSpec& layer) const {
    Constants result = of(layer.inputs.front());
    const bool is_padded = layer.op == OpKind::avg_pool && layer.padding + layer.extra_padding > 0;
    for (std::optional<double>& value : result) {
      if (value && is_padded && *value != 0.0) value.reset();
      if (value) *value = apply(layer.op, *value);
    }
    return result;
  }

  const Model& model_;
  ConstantChannels found_;
};

}  // namespace

KernelView::KernelView(const Model& model, const LayerSpec& layer)
    : weights_(model.buffer(layer.name + ".weight").values),
      kernels_(layer.out_channels),
      groups_(layer.op == OpKind::linear ? 1 : layer.groups),
      channels_(model.graph.input_shape(layer).channels / groups_),
      taps_(static_cast<int64_t>(weights_.size()) / (kernels_ * channels_)) {}

bool KernelView::reads(int64_t k, int64_t c) const {
  const float* taps = taps_of(k, c);
  return std::any_of(taps, taps + taps_, [](float weight) { return weight != 0.0F; });
}

double KernelView::sum(int64_t k, int64_t c) const {
  const float* taps = taps_of(k, c);
  return std::accumulate(taps, taps + taps_, 0.0);
}

ConstantChannels constant_channels(const Model& model) { return Finder(model).run(); }

}  // namespace carat
