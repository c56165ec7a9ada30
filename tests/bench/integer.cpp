// SPDX-License-Identifier: Apache-2.0
// The benchmark integer: a packed model on the fast executor against LibTorch's dense float32 forward of the same
// architecture (channels-last, inference mode, the best of several batch sizes), the same images, rounds in turn.
//   integer FILE.carat NETWORK THREADS [ROUNDS]   one JSON line; NETWORK: the float architecture in the zoo
#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>

#include "base/fail.h"
#include "data/batch.h"
#include "models/net/float_ops.h"
#include "models/net/network.h"
#include "models/packed/fast_executor.h"
#include "models/zoo/zoo.h"

namespace carat {
namespace {

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

// The float network as it is trained, weights laid out for channels-last convolutions; batch norm is not folded.
class Peer {
 public:
  explicit Peer(const Model& model) : graph_(model.graph) {
    for (const auto& [name, buffer] : model.buffers) {
      at::Tensor tensor = to_tensor(buffer, at::kCPU);
      if (tensor.dim() == 4) tensor = tensor.contiguous(at::MemoryFormat::ChannelsLast);
      tensors_[name] = tensor;
    }
  }

  at::Tensor forward(const at::Tensor& images) const {
    std::map<std::string, at::Tensor> values;
    for (const LayerSpec& layer : graph_.layers()) {
      std::vector<at::Tensor> inputs;
      for (const std::string& from : layer.inputs) inputs.push_back(values.at(from));
      values[layer.name] = layer.op == OpKind::input ? images : run(layer, inputs);
    }
    return values.at(graph_.output().name);
  }

 private:
  const at::Tensor& get(const std::string& name) const { return tensors_.at(name); }

  at::Tensor run(const LayerSpec& layer, const std::vector<at::Tensor>& inputs) const {
    const std::optional<at::Tensor> bias = layer.has_bias ? std::optional(get(layer.name + ".bias")) : std::nullopt;
    if (layer.op == OpKind::conv)
      return at::conv2d(padded(layer, inputs[0], 0.0), get(layer.name + ".weight"), bias, layer.stride,
                        layer.extra_padding > 0 ? 0 : layer.padding, 1, layer.groups);
    if (layer.op == OpKind::linear)
      return at::linear(inputs[0].flatten(1), get(layer.name + ".weight").flatten(1), bias)
          .view({-1, layer.out_channels, 1, 1});
    if (layer.op == OpKind::batch_norm)
      return at::batch_norm(inputs[0], get(layer.name + ".weight"), get(layer.name + ".bias"),
                            get(layer.name + ".running_mean"), get(layer.name + ".running_var"), false, 0.1,
                            layer.epsilon, false);
    return run_fast(layer, inputs);
  }

  ModelGraph graph_;
  std::map<std::string, at::Tensor> tensors_;
};

int run(const std::vector<std::string>& words) {
  const PackedModel packed = read_packed(words.at(0));
  const ZooVariant* variant = zoo_variant(words.at(1));
  require(variant != nullptr, "{}: no network of the zoo", words.at(1));
  const int64_t threads = std::stoll(words.at(2));
  const int64_t rounds = words.size() > 3 ? std::stoll(words[3]) : 5;
  constexpr int64_t kImages = 256;
  const FastExecutor executor(packed);
  const Dataset data = open_dataset({.name = "cifar100"}, Split::test);
  const std::vector<uint8_t> pixels = gather(data, 0, kImages).pixels;
  std::vector<float> logits(static_cast<size_t>(kImages * packed.graph.classes()));

  at::set_num_threads(static_cast<int>(threads));
  const c10::InferenceMode inference;
  const Peer peer(initialize(build_network(*variant).graph, 1));
  const Shape& shape = packed.graph.input().input_shape;
  const at::Tensor images = torch::from_blob(const_cast<uint8_t*>(pixels.data()),
                                             {kImages, shape.channels, shape.height, shape.width}, torch::kUInt8)
                                .to(at::kFloat)
                                .div_(255.0)
                                .contiguous(at::MemoryFormat::ChannelsLast);
  const auto peer_pass = [&](int64_t batch) {
    for (int64_t begin = 0; begin < kImages; begin += batch) peer.forward(images.narrow(0, begin, batch));
  };
  const auto ours = [&] { executor.run(pixels.data(), kImages, logits.data(), threads); };

  int64_t best_batch = 1;
  double best = 1e9;
  for (const int64_t batch : {1, 4, 16, 64, 256}) {
    peer_pass(batch);
    const double seconds = seconds_of([&] { peer_pass(batch); });
    if (seconds < best) best = seconds, best_batch = batch;
  }
  ours();
  std::vector<double> our_seconds, peer_seconds, our_single, peer_single;
  for (int64_t round = 0; round < rounds; ++round) {
    our_seconds.push_back(seconds_of(ours));
    peer_seconds.push_back(seconds_of([&] { peer_pass(best_batch); }));
    our_single.push_back(seconds_of([&] { executor.run(pixels.data(), 1, logits.data(), 1); }));
    peer_single.push_back(seconds_of([&] { peer.forward(images.narrow(0, 0, 1)); }));
  }
  const FastExecutor::Profile profile = executor.profile(pixels.data(), 64, logits.data());
  const auto total = static_cast<double>(profile.sums + profile.rows + profile.others);
  const double our_rate = kImages / median(our_seconds);
  const double peer_rate = kImages / median(peer_seconds);
  fmt::print(
      "{{\"name\": \"integer\", \"network\": \"{}\", \"ours\": {:.1f}, \"peer\": {:.1f}, \"ratio\": {:.2f}, "
      "\"unit\": \"images/s\", \"peer_batch\": {}, \"single_image_ms\": {:.2f}, \"peer_single_image_ms\": {:.2f}, "
      "\"share_convolution\": {:.3f}, \"share_rows\": {:.3f}, \"share_others\": {:.3f}, \"workspace_bytes\": {}, "
      "\"conditions\": \"{} threads, {} images, medians of {} rounds in turn, LibTorch {} channels-last float32; "
      "convolution: sums with the element-wise layers fused behind them\"}}\n",
      packed.graph.name(), our_rate, peer_rate, our_rate / peer_rate, best_batch, 1e3 * median(our_single),
      1e3 * median(peer_single), static_cast<double>(profile.sums) / total, static_cast<double>(profile.rows) / total,
      static_cast<double>(profile.others) / total, executor.workspace_bytes(), threads, kImages, rounds, TORCH_VERSION);
  return 0;
}

}  // namespace
}  // namespace carat

int main(int argc, char** argv) {
  try {
    if (argc < 4) throw carat::Error("expected FILE.carat NETWORK THREADS [ROUNDS]");
    return carat::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    fmt::print(stderr, "integer: {}\n", error.what());
    return 1;
  }
}
