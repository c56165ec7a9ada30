// SPDX-License-Identifier: Apache-2.0
#include <torch/torch.h>

#include "kernels/device.h"
#include "kernels/table.h"
#include "tests/bench/gpu_check/gpu_check.h"
#include "tests/bench/gpu_check/resnet50.h"

namespace carat {
namespace {

using nlohmann::ordered_json;

constexpr int64_t kBatch = 64;
constexpr double kBar = 1.5;
constexpr int kRepeats = 7;
constexpr int kCalls = 5;
constexpr CodeGrid kCodes = {0.0F, 255.0F};

// What a convolution reads, on the host.
struct Inputs {
  Bytes x;
  Bytes weights;
  std::vector<float> scales;

  explicit Inputs(const ByteConvolution& c)
      : x(random_bytes(c.batch * c.window.height * c.window.width * c.window.channels, 1)),
        weights(random_bytes(c.window.out_channels * c.depth(), 2)) {
    for (int64_t k = 0; k < c.window.out_channels; ++k) {
      scales.push_back(0.02F / static_cast<float>(c.depth()));
      scales.push_back(static_cast<float>(k % 100));
    }
  }
};

int64_t result_bytes(const ByteConvolution& c) { return c.pixels() * c.window.out_channels; }

Bytes codes_on_cpu(const ByteConvolution& c, const Inputs& inputs) {
  Bytes codes(static_cast<size_t>(result_bytes(c)));
  convolve_bytes_scaled({inputs.x.data(), inputs.weights.data()}, c, {inputs.scales.data(), kCodes}, codes.data());
  return codes;
}

// A convolution with everything in device memory.
class OnDevice {
 public:
  OnDevice(const ByteConvolution& c, const Inputs& inputs)
      : c_(c),
        x_(static_cast<int64_t>(inputs.x.size())),
        weights_(static_cast<int64_t>(inputs.weights.size())),
        scales_(static_cast<int64_t>(inputs.scales.size() * sizeof(float))),
        codes_(result_bytes(c)),
        workspace_(convolution_workspace(c)) {
    x_.upload(inputs.x.data());
    weights_.upload(inputs.weights.data());
    scales_.upload(inputs.scales.data());
  }

  void run() {
    convolve_bytes_scaled_cuda({static_cast<const uint8_t*>(x_.data()), static_cast<const uint8_t*>(weights_.data())},
                               c_, {static_cast<const float*>(scales_.data()), kCodes},
                               static_cast<uint8_t*>(codes_.data()), {workspace_.data(), nullptr});
  }

  Bytes codes() const {
    Bytes result(static_cast<size_t>(codes_.bytes()));
    codes_.download(result.data());
    return result;
  }

 private:
  ByteConvolution c_;
  DeviceMemory x_, weights_, scales_, codes_, workspace_;
};

bool equals_cpu(const ByteConvolution& c) {
  const Inputs inputs(c);
  OnDevice device(c, inputs);
  device.run();
  return device.codes() == codes_on_cpu(c, inputs);
}

double our_seconds(const ByteConvolution& c) {
  OnDevice device(c, Inputs(c));
  return device_seconds([&] { device.run(); }, kRepeats, kCalls);
}

// cuDNN on the same stream (the default one).
double peer_seconds(const ByteConvolution& c) {
  const torch::NoGradGuard no_grad;
  const Window& w = c.window;
  const auto options = torch::TensorOptions().device(torch::kCUDA).dtype(torch::kHalf);
  const auto x =
      torch::randn({c.batch, w.channels, w.height, w.width}, options).contiguous(at::MemoryFormat::ChannelsLast);
  const auto weights = torch::randn({w.out_channels, w.channels, w.kernel, w.kernel}, options)
                           .contiguous(at::MemoryFormat::ChannelsLast);
  const auto run = [&] { at::conv2d(x, weights, {}, w.stride, w.padding); };
  for (int i = 0; i < 3; ++i) run();
  return device_seconds(run, kRepeats, kCalls);
}

std::string describe(const ResNetConvolution& shape) {
  return std::to_string(shape.channels) + " to " + std::to_string(shape.out_channels) + ", " +
         std::to_string(shape.kernel) + "x" + std::to_string(shape.kernel) + " stride " + std::to_string(shape.stride) +
         ", image " + std::to_string(shape.side);
}

// The same shape on a few pixels.
ByteConvolution shrunk(const ResNetConvolution& shape) {
  ResNetConvolution small = shape;
  small.side = shape.kernel;
  return small.at_batch(1);
}

ordered_json dry_line(const ResNetConvolution& shape) {
  const ByteConvolution c = shrunk(shape);
  codes_on_cpu(c, Inputs(c));
  return {{"shape", describe(shape)}, {"times", shape.times},    {"equality", kNotMeasured},
          {"int8_ms", kNotMeasured},  {"fp16_ms", kNotMeasured}, {"ratio", kNotMeasured}};
}

}  // namespace

bool check_convolutions(bool dry_run, ordered_json& report) {
  at::globalContext().setBenchmarkCuDNN(true);
  bool passed = true;
  double ours = 0.0;
  double peer = 0.0;
  ordered_json& part = report["convolutions"];
  part["network"] = "ResNet-50, batch 64";
  part["bar"] = kBar;
  part["on_tensor_cores"] = runs_on_tensor_cores(kResNet50[0].at_batch(kBatch));
  for (const ResNetConvolution& shape : kResNet50) {
    if (dry_run) {
      part["shapes"].push_back(dry_line(shape));
      continue;
    }
    const bool equal = equals_cpu(shape.at_batch(1));
    const double int8 = our_seconds(shape.at_batch(kBatch));
    const double fp16 = peer_seconds(shape.at_batch(kBatch));
    ours += static_cast<double>(shape.times) * int8;
    peer += static_cast<double>(shape.times) * fp16;
    passed = passed && equal;
    part["shapes"].push_back({{"shape", describe(shape)},
                              {"times", shape.times},
                              {"equality", equal ? "equal" : "differs"},
                              {"int8_ms", int8 * 1e3},
                              {"fp16_ms", fp16 * 1e3},
                              {"ratio", fp16 / int8}});
  }
  part["int8_ms"] = dry_run ? ordered_json(kNotMeasured) : ordered_json(ours * 1e3);
  part["fp16_ms"] = dry_run ? ordered_json(kNotMeasured) : ordered_json(peer * 1e3);
  part["ratio"] = dry_run ? ordered_json(kNotMeasured) : ordered_json(peer / ours);
  return passed && (dry_run || peer >= kBar * ours);
}

}  // namespace carat
