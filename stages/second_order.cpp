// SPDX-License-Identifier: Apache-2.0
#include "stages/second_order.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/fail.h"
#include "base/parallel.h"
#include "models/net/float_ops.h"
#include "stages/evaluate.h"

namespace carat {
namespace {

constexpr double kDamping = 0.01;
constexpr int64_t kBatch = 64;

// Input patches of a layer: {groups, N * places, d}.
at::Tensor patches(const LayerSpec& layer, const at::Tensor& x, int64_t weights_per_kernel) {
  if (layer.op == OpKind::linear) return x.reshape({1, x.size(0), -1});
  const int64_t padding = layer.extra_padding > 0 ? 0 : layer.padding;
  const at::Tensor columns = at::im2col(padded(layer, x, 0.0).contiguous(), {layer.kernel, layer.kernel}, {1, 1},
                                        {padding, padding}, {layer.stride, layer.stride});  // {N, C * k * k, places}
  return columns.view({x.size(0), layer.groups, weights_per_kernel, -1})
      .permute({1, 0, 3, 2})
      .reshape({layer.groups, -1, weights_per_kernel});
}

struct Sums {
  at::Tensor covariance;
  at::Tensor energy;
  int64_t rows = 0;
};

void add_batch(const LayerSpec& layer, const at::Tensor& x, const at::Tensor& gradient, int64_t size, Sums& sums) {
  const at::Tensor rows = patches(layer, x.detach(), size);
  const at::Tensor product = at::bmm(rows.transpose(1, 2), rows).to(at::kCPU, at::kDouble);
  const at::Tensor squares = gradient.reshape({gradient.size(0), gradient.size(1), -1})
                                 .square()
                                 .sum(at::IntArrayRef({0, 2}))
                                 .to(at::kCPU, at::kDouble);
  sums.covariance = sums.covariance.defined() ? sums.covariance + product : product;
  sums.energy = sums.energy.defined() ? sums.energy + squares : squares;
  sums.rows += rows.size(1);
}

int64_t group_of(const LayerCurvature& curvature, int64_t kernel) {
  return kernel * curvature.covariance.size(0) / curvature.energy.size(0);
}

at::Tensor kernels_of(const Network& network, const std::string& layer) {
  const at::Tensor weights = network.dense_weights(layer).to(at::kCPU, at::kDouble);
  return weights.reshape({weights.size(0), -1}).contiguous();
}

}  // namespace

std::map<std::string, LayerCurvature> curvatures(Network& network, int64_t images, StageContext& context) {
  const Dataset& data = context.training_data();
  const std::vector<std::string> layers = network.graph().weight_layers();
  std::vector<std::string> wanted = layers;
  for (const std::string& name : layers) wanted.push_back(network.graph().layer(name).inputs.front());
  std::vector<int64_t> indices = context.training_indices();
  indices.resize(static_cast<size_t>(std::min<int64_t>(images, static_cast<int64_t>(indices.size()))));
  std::map<std::string, Sums> sums;
  for (size_t begin = 0; begin < indices.size(); begin += kBatch) {
    const size_t count = std::min<size_t>(kBatch, indices.size() - begin);
    const Batch batch = gather(data, std::span<const int64_t>(indices).subspan(begin, count));
    std::map<std::string, at::Tensor> results;
    const at::Tensor logits =
        network.forward(pixels_of(batch.pixels, data, network.device()), Mode::evaluate, wanted, results);
    const at::Tensor labels = torch::tensor(c10::ArrayRef<int64_t>(batch.labels)).to(network.device());
    std::vector<at::Tensor> outputs;
    for (const std::string& name : layers) outputs.push_back(results.at(name));
    const at::Tensor loss = at::cross_entropy_loss(logits, labels, {}, at::Reduction::Sum);
    const auto gradients = torch::autograd::grad({loss}, outputs);
    const torch::NoGradGuard no_grad;
    for (size_t i = 0; i < layers.size(); ++i) {
      const LayerSpec& layer = network.graph().layer(layers[i]);
      add_batch(layer, results.at(layer.inputs.front()), gradients[i],
                network.graph().weight_count(layer) / layer.out_channels, sums[layer.name]);
    }
    context.progress("measuring curvature", static_cast<int64_t>(begin + count), static_cast<int64_t>(indices.size()),
                     "");
  }
  std::map<std::string, LayerCurvature> result;
  for (auto& [name, of_layer] : sums) {
    at::Tensor covariance = of_layer.covariance / static_cast<double>(of_layer.rows);
    const at::Tensor level = covariance.diagonal(0, 1, 2).mean(1).clamp_min(1e-12) * kDamping;
    covariance = covariance + at::eye(covariance.size(1), at::kDouble) * level.view({-1, 1, 1});
    result[name] = {covariance, of_layer.energy / static_cast<double>(indices.size())};
  }
  return result;
}

RemovalOrder removal_order(const at::Tensor& w, const at::Tensor& covariance, double energy) {
  const int64_t d = w.numel();
  at::Tensor inverse_tensor = at::cholesky_inverse(at::linalg_cholesky(covariance)).contiguous();
  auto* inverse = inverse_tensor.mutable_data_ptr<double>();
  std::vector<double> weights(w.const_data_ptr<double>(), w.const_data_ptr<double>() + d);
  std::vector<int64_t> alive(static_cast<size_t>(d));
  std::iota(alive.begin(), alive.end(), int64_t{0});
  std::vector<double> line(static_cast<size_t>(d));
  RemovalOrder order;
  while (!alive.empty()) {
    const auto cost = [&](int64_t p) {
      return weights[static_cast<size_t>(p)] * weights[static_cast<size_t>(p)] / inverse[p * d + p];
    };
    const auto best =
        std::min_element(alive.begin(), alive.end(), [&](int64_t a, int64_t b) { return cost(a) < cost(b); });
    const int64_t p = *best;
    order.weights.push_back(p);
    order.costs.push_back(0.5 * energy * cost(p));
    alive.erase(best);
    const double pivot = 1.0 / inverse[p * d + p];
    const double step = weights[static_cast<size_t>(p)] * pivot;
    std::copy(inverse + p * d, inverse + (p + 1) * d, line.begin());
    for (const int64_t i : alive) {
      weights[static_cast<size_t>(i)] -= step * line[static_cast<size_t>(i)];
      const double factor = line[static_cast<size_t>(i)] * pivot;
      double* row = inverse + i * d;
      for (int64_t j = 0; j < d; ++j) row[j] -= factor * line[static_cast<size_t>(j)];
    }
  }
  return order;
}

at::Tensor make_up(const at::Tensor& w, const at::Tensor& covariance, const std::vector<uint8_t>& kept) {
  std::vector<int64_t> stay;
  std::vector<int64_t> gone;
  for (size_t i = 0; i < kept.size(); ++i) (kept[i] != 0 ? stay : gone).push_back(static_cast<int64_t>(i));
  at::Tensor result = at::zeros_like(w);
  if (stay.empty()) return result;
  const at::Tensor s = torch::tensor(stay);
  at::Tensor values = w.index_select(0, s);
  if (!gone.empty()) {
    const at::Tensor r = torch::tensor(gone);
    const at::Tensor rows = covariance.index_select(0, s);
    const at::Tensor wanted = at::mv(rows.index_select(1, r), w.index_select(0, r)).unsqueeze(1);
    values = values + at::cholesky_solve(wanted, at::linalg_cholesky(rows.index_select(1, s))).squeeze(1);
  }
  return result.index_put_({s}, values);
}

LayerScores removal_scores(const Network& network, const std::map<std::string, LayerCurvature>& curvatures) {
  LayerScores scores;
  for (const auto& [layer, curvature] : curvatures) {
    const at::Tensor kernels = kernels_of(network, layer);
    const int64_t d = kernels.size(1);
    std::vector<float>& of_layer = scores[layer];
    of_layer.resize(static_cast<size_t>(kernels.numel()));
    const LayerCurvature& measured = curvature;
    parallel_ranges(kernels.size(0), default_threads(), [&](int64_t begin, int64_t end) {
      const torch::NoGradGuard no_grad;
      for (int64_t k = begin; k < end; ++k) {
        const RemovalOrder order =
            removal_order(kernels[k], measured.covariance[group_of(measured, k)], measured.energy[k].item<double>());
        float highest = 0.0F;
        for (size_t i = 0; i < order.weights.size(); ++i) {
          highest =
              std::max(std::nextafter(highest, std::numeric_limits<float>::max()), static_cast<float>(order.costs[i]));
          of_layer[static_cast<size_t>(k * d + order.weights[i])] = highest;
        }
      }
    });
  }
  return scores;
}

void make_up_for_masks(Network& network, const std::map<std::string, LayerCurvature>& curvatures) {
  for (const auto& [layer, curvature] : curvatures) {
    const at::Tensor kernels = kernels_of(network, layer);
    const Buffer mask = to_buffer(network.mask(layer));
    const int64_t d = kernels.size(1);
    std::vector<float> weights;
    for (int64_t k = 0; k < kernels.size(0); ++k) {
      const auto first = mask.values.begin() + k * d;
      const Buffer made =
          to_buffer(make_up(kernels[k], curvature.covariance[group_of(curvature, k)], {first, first + d}));
      weights.insert(weights.end(), made.values.begin(), made.values.end());
    }
    network.set_weights(layer, weights);
  }
}

}  // namespace carat
