// SPDX-License-Identifier: Apache-2.0
#include "stages/sensitivity_engine.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "base/fail.h"
#include "base/hash.h"
#include "data/batch.h"
#include "models/weights/graph_json.h"
#include "stages/evaluate.h"
#include "stages/mask_pattern.h"
#include "stages/scale_fit.h"

namespace carat {

std::string sensitivity_identity(const Model& model, const Dataset& data, const std::vector<int64_t>& images,
                                 const SensitivityRequest& request) {
  Hasher hasher;
  hasher.text(to_json(model.graph)).text(data.identity).text(request.quantity).text(request.rule).number(request.batch);
  for (const auto& [name, buffer] : model.buffers)
    hasher.text(name).bytes(buffer.values.data(), buffer.values.size() * sizeof(float));
  hasher.number(static_cast<int64_t>(images.size())).bytes(images.data(), images.size() * sizeof(int64_t));
  return hasher.hex().substr(0, 16);
}

SensitivityEngine::SensitivityEngine(const Model& model, const Dataset& data, std::vector<int64_t> images,
                                     SensitivityRequest request, const at::Device& device)
    : model_(model), data_(data), images_(std::move(images)), request_(std::move(request)), network_(model, device) {
  const auto count = static_cast<int64_t>(images_.size());
  batches_.resize(static_cast<size_t>((count + request_.batch - 1) / request_.batch));
}

SensitivityEngine::BatchData& SensitivityEngine::batch(int64_t index) {
  BatchData& data = batches_[static_cast<size_t>(index)];
  if (data.pixels.defined()) return data;
  const auto begin = static_cast<size_t>(index * request_.batch);
  const size_t count = std::min(static_cast<size_t>(request_.batch), images_.size() - begin);
  const Batch images = gather(data_, std::span<const int64_t>(images_).subspan(begin, count));
  require(images.size == static_cast<int64_t>(count), "sensitivity: expected readable images, {} of {} are not",
          static_cast<int64_t>(count) - images.size, count);
  data.pixels = pixels_of(images.pixels, data_, network_.device());
  data.labels = torch::tensor(c10::ArrayRef<int64_t>(images.labels)).to(network_.device());
  const torch::NoGradGuard no_grad;
  data.dense = at::log_softmax(network_.forward(data.pixels, Mode::evaluate), 1);
  data.dense_loss = at::nll_loss(data.dense, data.labels, {}, at::Reduction::None);
  data.dense_right = data.dense.argmax(1).eq(data.labels);
  return data;
}

PointSums SensitivityEngine::sums_of(const at::Tensor& logits, const BatchData& data) const {
  const torch::NoGradGuard no_grad;
  const at::Tensor shares = at::log_softmax(logits, 1);
  const at::Tensor loss = at::nll_loss(shares, data.labels, {}, at::Reduction::None);
  const at::Tensor rise = (loss - data.dense_loss).to(at::kDouble);
  const at::Tensor divergence = (data.dense.exp() * (data.dense - shares)).to(at::kDouble).sum(1);
  const at::Tensor right = logits.argmax(1).eq(data.labels);
  const int64_t ranks = std::min<int64_t>(5, logits.size(1));
  const at::Tensor best = std::get<1>(logits.topk(ranks, 1)).eq(data.labels.unsqueeze(1));
  PointSums sums;
  sums.images = logits.size(0);
  sums.correct = right.sum().item<int64_t>();
  sums.correct5 = best.sum().item<int64_t>();
  sums.loss = loss.to(at::kDouble).sum().item<double>();
  sums.lost = data.dense_right.logical_and(right.logical_not()).sum().item<int64_t>();
  sums.gained = right.logical_and(data.dense_right.logical_not()).sum().item<int64_t>();
  sums.divergence = divergence.sum().item<double>();
  sums.divergence_squares = divergence.square().sum().item<double>();
  sums.rise = rise.sum().item<double>();
  sums.rise_squares = rise.square().sum().item<double>();
  return sums;
}

PointSums SensitivityEngine::dense(int64_t begin, int64_t end) {
  PointSums sums;
  for (int64_t i = begin / request_.batch; i * request_.batch < end; ++i) {
    const BatchData& data = batch(i);
    sums.add(sums_of(data.dense, data));
  }
  return sums;
}

std::vector<float> SensitivityEngine::changed_weights(const std::string& layer, double level) {
  const Buffer& weights = model_.buffer(layer + ".weight");
  std::vector<float> values = weights.values;
  if (request_.quantity == "weight_bits") {
    const QuantSpec spec = QuantSpec::symmetric(static_cast<int64_t>(level), Granularity::kernel);
    const size_t size = values.size() / static_cast<size_t>(weights.shape.front());
    for (size_t begin = 0; begin < values.size(); begin += size) {
      const std::span<float> kernel(values.data() + begin, size);
      const auto scale = static_cast<float>(fit_scale(kernel, spec).scale);
      for (float& w : kernel) w = scale * static_cast<float>(code_of(w, 1.0F / scale, spec));
    }
    return values;
  }
  if (ordered_layer_ != layer) {
    std::vector<float> magnitudes;
    for (const float w : values) magnitudes.push_back(std::abs(w));
    order_ = rising_order(magnitudes);
    ordered_layer_ = layer;
  }
  const auto gone = static_cast<size_t>(std::llround(level * static_cast<double>(values.size())));
  for (size_t i = 0; i < gone; ++i) values[order_[i]] = 0.0F;
  return values;
}

// One scale by least squares on the first batch that comes by; unsigned when nothing in it is negative.
at::Tensor SensitivityEngine::changed_input(size_t layer, const at::Tensor& input, double level) {
  auto found = grids_.find({layer, level});
  if (found == grids_.end()) {
    constexpr int64_t kSample = 5000;
    const at::Tensor flat = input.flatten();
    const at::Tensor part = flat.slice(0, 0, flat.numel(), std::max<int64_t>(1, flat.numel() / kSample));
    const auto bits = static_cast<int64_t>(level);
    const QuantSpec spec = flat.min().item<float>() < 0.0F ? QuantSpec::symmetric(bits, Granularity::tensor)
                                                           : QuantSpec::unsigned_tensor(bits);
    const double scale = fit_scale_from_many(to_buffer(part.contiguous()).values, spec).scale;
    found = grids_.emplace(std::pair(layer, level), std::pair(spec, scale)).first;
  }
  const auto& [spec, scale] = found->second;
  return at::clamp(at::round(input / scale), static_cast<double>(spec.lowest_code()),
                   static_cast<double>(spec.highest_code())) *
         scale;
}

at::Tensor SensitivityEngine::logits_of(HeldBatch& held_batch, size_t layer, double level) {
  held_batch.advance(layer);
  if (request_.quantity != "activation_bits") return held_batch.logits(layer);
  return held_batch.logits(layer, changed_input(layer, held_batch.input_of(layer), level));
}

int64_t SensitivityEngine::bytes_per_batch() const {
  return largest_live_set(model_.graph) * request_.batch * static_cast<int64_t>(sizeof(float));
}

void SensitivityEngine::measure(const std::vector<PointName>& points, int64_t begin, int64_t end,
                                const std::function<void(const PointName&, const PointSums&)>& done) {
  const int64_t first = begin / request_.batch;
  const int64_t last = (end + request_.batch - 1) / request_.batch;
  const int64_t held = request_.reuses ? std::min(last - first, request_.memory / bytes_per_batch()) : 0;
  for (int64_t i = first; i < last; ++i) batch(i);
  std::vector<HeldBatch> waiting;
  for (int64_t i = 0; i < held; ++i) waiting.emplace_back(network_, batch(first + i).pixels);
  for (size_t at = 0; at < points.size();) {
    const std::string& layer = points[at].layer;
    const auto index = static_cast<size_t>(model_.graph.index_of(layer));
    size_t next = at;
    while (next < points.size() && points[next].layer == layer) ++next;
    std::vector<PointSums> sums(next - at);
    const auto add = [&](HeldBatch& held_batch, int64_t i, size_t point) {
      sums[point - at].add(sums_of(logits_of(held_batch, index, points[point].level), batch(i)));
    };
    const auto change = [&](size_t point) {
      if (request_.quantity != "activation_bits")
        network_.set_weights(layer, changed_weights(layer, points[point].level));
    };
    const auto restore = [&] { network_.set_weights(layer, model_.buffer(layer + ".weight").values); };
    // What stands in front of the layer does not see its change.
    for (size_t point = at; point < next; ++point) {
      change(point);
      for (int64_t i = 0; i < held; ++i) add(waiting[static_cast<size_t>(i)], first + i, point);
      for (int64_t i = first + held; !request_.reuses && i < last; ++i) {
        HeldBatch whole(network_, batch(i).pixels);
        add(whole, i, point);
      }
    }
    // Batches that memory does not hold come to the layer once for all its points.
    for (int64_t i = first + held; request_.reuses && i < last; ++i) {
      HeldBatch held_batch(network_, batch(i).pixels);
      for (size_t point = at; point < next; ++point) {
        change(point);
        add(held_batch, i, point);
      }
    }
    restore();
    for (size_t point = at; point < next; ++point) done(points[point], sums[point - at]);
    at = next;
  }
}

}  // namespace carat
