// SPDX-License-Identifier: Apache-2.0
// train_step NETWORK STEPS THREADS [...]: images per second of the training step on random images of CIFAR-100's shape,
// batch 128, SGD with momentum. One JSON line on stdout. cuda: on a GPU; plain: its steps are not captured; bf16,
// batch=N, contiguous (values not channels-last) as they say.
#include <ATen/Parallel.h>
#include <ATen/record_function.h>
#include <torch/csrc/autograd/profiler_kineto.h>
#include <torch/torch.h>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <set>

#include "models/net/autocast.h"
#include "models/net/device.h"
#include "models/net/network.h"
#include "models/net/step_graph.h"
#include "models/weights/safetensors.h"
#include "models/zoo/zoo.h"
#include "stages/loss.h"
#include "stages/optimizer.h"

namespace {

// Time inside each operation without those that it calls, by name.
class Profile {
 public:
  static void start() {
    at::addGlobalCallback(at::RecordFunctionCallback(
        [](const at::RecordFunction&) -> std::unique_ptr<at::ObserverContext> {
          stack().push_back({Clock::now(), 0.0});
          return nullptr;
        },
        [](const at::RecordFunction& function, at::ObserverContext*) {
          const Open open = stack().back();
          stack().pop_back();
          const double seconds = std::chrono::duration<double>(Clock::now() - open.begin).count();
          if (!stack().empty()) stack().back().inside += seconds;
          times()[function.name()] += seconds - open.inside;
        }));
  }
  static void print(int steps) {
    std::vector<std::pair<double, std::string>> rows;
    for (const auto& [name, seconds] : times()) rows.emplace_back(seconds, name);
    std::sort(rows.rbegin(), rows.rend());
    for (size_t i = 0; i < std::min<size_t>(rows.size(), 20); ++i)
      std::cerr << fmt::format("{:8.2f} ms  {}\n", 1e3 * rows[i].first / steps, rows[i].second);
  }

 private:
  using Clock = std::chrono::steady_clock;
  struct Open {
    Clock::time_point begin;
    double inside;
  };
  static std::vector<Open>& stack() {
    thread_local std::vector<Open> open;
    return open;
  }
  static std::map<std::string, double>& times() {
    static std::map<std::string, double> all;
    return all;
  }
};

// Names and times of what a GPU runs meanwhile, as a Chrome trace.
void trace(const std::string& path, const std::function<void()>& work) {
  using namespace torch::profiler::impl;
  const ProfilerConfig config(ProfilerState::KINETO);
  const std::set<ActivityType> activities = {ActivityType::CUDA};
  torch::autograd::profiler::prepareProfiler(config, activities);
  torch::autograd::profiler::enableProfiler(config, activities);
  work();
  torch::autograd::profiler::disableProfiler()->save(path);
}

// Of the zoo, or the usual small wide ResNet, which is no variant there.
carat::ModelGraph graph_of(const std::string& name) {
  const bool is_wide = name == "wide_resnet_16_4";
  const carat::ModelValues values = is_wide ? carat::ModelValues{{"depth", 16}, {"width", 4}} : carat::ModelValues{};
  return carat::build_network(is_wide ? "wide_resnet" : name, values, {3, 32, 32}, 100).graph;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace carat;
  if (argc < 4) {
    std::cerr << "expected: train_step NETWORK STEPS THREADS [profile] [cuda] [plain] [bf16] [contiguous] [batch=N] "
                 "[file=F] [learned] [trace=F]\n";
    return 2;
  }
  load_cuda();
  keep_freed_memory();
  at::set_num_threads(std::atoi(argv[3]));
  const std::vector<std::string> words(argv + 4, argv + argc);
  const auto has = [&](const char* word) { return std::find(words.begin(), words.end(), word) != words.end(); };
  const auto value_of = [&](const std::string& name) -> std::string {
    for (const std::string& word : words)
      if (word.starts_with(name + "=")) return word.substr(name.size() + 1);
    return "";
  };
  const int64_t batch = value_of("batch").empty() ? 128 : std::stoll(value_of("batch"));
  const at::Device device = device_named(has("cuda") ? "cuda" : "cpu");
  const OwnStream stream(device);
  const std::string file = value_of("file");
  Network network(file.empty() ? initialize(graph_of(argv[1]), 1) : read_model(file), device);
  network.set_learned({.weight_scales = has("learned"), .activation_scales = has("learned")});
  if (has("contiguous")) network.set_layout(at::MemoryFormat::Contiguous);
  Optimizer optimizer(network.parameters(), {.momentum = 0.9, .weight_decay = 5e-4});
  optimizer.set_lr(0.01);
  torch::manual_seed(1);
  const at::Tensor pixels = torch::randint(0, 256, {batch, 3, 32, 32}, at::kByte).to(device);
  const Targets targets = {torch::randint(0, 100, {batch}, at::kLong).to(device), {}, {}};
  StepGraph graph(device, !has("plain"));
  at::Tensor last = at::zeros({}, device);
  const auto step = [&] {
    graph.run(0, [&] {
      const Autocast autocast(has("bf16") && device.is_cuda());
      const at::Tensor loss = training_loss(network.forward(pixels, Mode::train).to(at::kFloat), targets, {}, {});
      loss.backward();
      optimizer.step();
      network.constrain_scales();
      last.detach().copy_(loss.detach());
    });
  };
  for (int i = 0; i < (device.is_cuda() ? 6 : 1); ++i) step();
  last.item<float>();  // waits for the GPU
  const auto start = std::chrono::steady_clock::now();
  const int steps = std::atoi(argv[2]);
  for (int i = 0; i < steps; ++i) step();
  const float loss = last.item<float>();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (!value_of("trace").empty())
    trace(value_of("trace"), [&] {
      step();
      last.item<float>();
    });
  if (has("profile")) {
    Profile::start();
    for (int i = 0; i < steps; ++i) step();
    Profile::print(steps);
  }
  std::cout << fmt::format(R"({{"network": "{}", "images_per_second": {:.2f}, "captured": {}, "loss": {:.4f}}})",
                           argv[1], static_cast<double>(batch) * steps / seconds, graph.is_captured(), loss)
            << "\n";
}
