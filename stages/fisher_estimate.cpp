// SPDX-License-Identifier: Apache-2.0
#include "stages/fisher_estimate.h"

#include <torch/torch.h>

#include <cmath>

#include "data/batch.h"
#include "stages/evaluate.h"
#include "stages/magnitude.h"

namespace carat {

std::vector<SensitivityPoint> fisher_estimate(const Model& model, const Dataset& data,
                                              const std::vector<int64_t>& images, const std::vector<PointName>& points,
                                              const at::Device& device) {
  Network network(model, device);
  std::vector<Parameter> weights;
  std::vector<at::Tensor> values;
  for (const Parameter& parameter : network.parameters()) {
    if (!parameter.decays) continue;
    weights.push_back(parameter);
    values.push_back(parameter.value);
  }
  std::vector<at::Tensor> squares;
  for (const at::Tensor& value : values)
    squares.push_back(at::zeros(value.sizes(), value.options().requires_grad(false)));
  double loss_sum = 0.0;
  for (const int64_t image : images) {
    const Batch one = gather(data, std::span<const int64_t>(&image, 1));
    const at::Tensor logits = network.forward(pixels_of(one.pixels, data, device), Mode::evaluate);
    const at::Tensor label = torch::tensor(c10::ArrayRef<int64_t>(one.labels)).to(device);
    const at::Tensor loss = at::cross_entropy_loss(logits, label);
    const auto gradients = torch::autograd::grad({loss}, values);
    for (size_t i = 0; i < values.size(); ++i) squares[i].addcmul_(gradients[i], gradients[i]);
    loss_sum += loss.item<double>();
  }
  const auto count = static_cast<double>(images.size());
  std::map<std::string, std::vector<float>> fisher;
  for (size_t i = 0; i < values.size(); ++i) fisher[weights[i].name] = to_buffer(squares[i] / count).values;
  std::vector<SensitivityPoint> estimates;
  for (const PointName& point : points) {
    const std::vector<float>& w = model.buffer(point.layer + ".weight").values;
    const std::vector<float>& f = fisher.at(point.layer + ".weight");
    const std::vector<uint8_t> kept = magnitude_mask(w, point.level);
    double rise = 0.0;
    for (size_t i = 0; i < w.size(); ++i)
      if (kept[i] == 0) rise += 0.5 * static_cast<double>(w[i]) * w[i] * f[i];
    PointSums sums;
    sums.images = static_cast<int64_t>(images.size());
    sums.correct = sums.correct5 = -1;
    sums.loss = loss_sum + rise * count;
    sums.rise = rise * count;
    sums.rise_squares = rise * rise * count;
    estimates.push_back({point.layer, point.level, sums});
  }
  return estimates;
}

}  // namespace carat
