// SPDX-License-Identifier: Apache-2.0
#include "pipeline/network_predictor.h"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include "base/fail.h"
#include "base/parallel.h"
#include "models/net/device.h"
#include "models/net/network.h"

namespace carat {
namespace {

class NetworkPredictor : public Predictor {
 public:
  NetworkPredictor(const Model& model, const at::Device& device, Mode mode) : network_(model, device), mode_(mode) {}

  const ModelGraph& graph() const override { return network_.graph(); }

  std::vector<float> logits(const std::vector<uint8_t>& pixels, int64_t count) override {
    const torch::NoGradGuard no_grad;
    const Shape& shape = graph().input().input_shape;
    const at::Tensor images = torch::from_blob(const_cast<uint8_t*>(pixels.data()),
                                               {count, shape.channels, shape.height, shape.width}, torch::kUInt8);
    return to_buffer(network_.forward(images, mode_)).values;
  }

  std::string describe() const override {
    return describe_device(network_.device()) + (mode_ == Mode::exact ? ", specified arithmetic" : "");
  }

 private:
  Network network_;
  Mode mode_;
};

}  // namespace

std::unique_ptr<Predictor> network_predictor(const Model& model, const std::string& device, bool exact,
                                             int64_t threads) {
  at::set_num_threads(static_cast<int>(threads > 0 ? threads : default_threads()));
  const at::Device where = exact ? at::Device(at::kCPU) : device_named(device);
  require(!exact || device != "cuda", "--exact runs on the CPU, got --device cuda");
  return std::make_unique<NetworkPredictor>(model, where, exact ? Mode::exact : Mode::evaluate);
}

}  // namespace carat
