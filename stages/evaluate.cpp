// SPDX-License-Identifier: Apache-2.0
#include "stages/evaluate.h"

#include <torch/torch.h>

#include <algorithm>
#include <numeric>

#include "models/net/device.h"

namespace carat {
namespace {

constexpr int64_t kBatch = 250;

}  // namespace

at::Tensor pixels_of(const std::vector<uint8_t>& pixels, const Dataset& images, const at::Device& device) {
  const int64_t count = static_cast<int64_t>(pixels.size()) / images.image_bytes();
  const at::Tensor view = torch::from_blob(const_cast<uint8_t*>(pixels.data()),
                                           {count, images.channels, images.height, images.width}, torch::kUInt8);
  return sent_to(device, view);
}

Evaluation evaluate(Network& network, const Dataset& images, const std::vector<int64_t>& indices, Mode mode) {
  const torch::NoGradGuard no_grad;
  std::vector<int64_t> order = indices;
  if (order.empty()) {
    order.resize(static_cast<size_t>(images.size()));
    std::iota(order.begin(), order.end(), int64_t{0});
  }
  Evaluation result;
  const auto total = static_cast<int64_t>(order.size());
  for (int64_t begin = 0; begin < total; begin += kBatch) {
    const auto count = static_cast<size_t>(std::min(kBatch, total - begin));
    const Batch batch = gather(images, std::span(order).subspan(static_cast<size_t>(begin), count));
    if (batch.size == 0) continue;
    const at::Tensor logits = network.forward(pixels_of(batch.pixels, images, network.device()), mode).to(at::kCPU);
    const at::Tensor labels = torch::tensor(c10::ArrayRef<int64_t>(batch.labels));
    result.correct += logits.argmax(1).eq(labels).sum().item<int64_t>();
    result.loss += at::cross_entropy_loss(logits, labels, {}, at::Reduction::Sum).item<double>();
    result.total += batch.size;
  }
  if (result.total > 0) result.loss /= static_cast<double>(result.total);
  return result;
}

std::vector<float> logits_of(Network& network, const Dataset& images, const Batch& batch, Mode mode) {
  const torch::NoGradGuard no_grad;
  return to_buffer(network.forward(pixels_of(batch.pixels, images, network.device()), mode)).values;
}

}  // namespace carat
