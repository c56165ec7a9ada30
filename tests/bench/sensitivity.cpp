// SPDX-License-Identifier: Apache-2.0
// sensitivity FILE NETWORK IMAGES EVERY THREADS: the exact analysis, which runs only what follows the changed layer,
// against the plain loop (prune, whole forward pass, restore) on the same images with the same forward; one JSON line.
// Behind THREADS, interval: that mode, and whether the allocation at its target sparsity (0.65) is the plain loop's.
// FILE "-": seeded weights. EVERY: each so manieth layer. bound: what per-layer times allow.
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <torch/torch.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <numeric>

#include "base/fail.h"
#include "data/batch.h"
#include "models/file/model_file.h"
#include "models/net/device.h"
#include "models/zoo/zoo.h"
#include "stages/allocation.h"
#include "stages/evaluate.h"
#include "stages/sensitivity_run.h"

namespace {

using namespace carat;
using Clock = std::chrono::steady_clock;

constexpr double kSameSparsity = 0.005;  // allocations that agree to half a percent in every layer are one

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

struct Timed {
  SensitivityTable table;
  double seconds;
};

// Time of the whole pass over time of the layers that depend on the changed one, averaged over the points' layers.
double bound_of(const Model& model, const Dataset& data, const std::vector<int64_t>& images,
                const std::vector<PointName>& points) {
  Network network(model, at::Device(at::kCPU));
  const torch::NoGradGuard no_grad;
  const Batch batch = gather(data, std::span<const int64_t>(images).first(std::min<size_t>(100, images.size())));
  const at::Tensor pixels = pixels_of(batch.pixels, data, at::Device(at::kCPU));
  std::vector<double> times(model.graph.layers().size());
  for (int round = 0; round < 4; ++round) {
    HeldBatch walk(network, pixels);
    for (size_t i = 1; i < times.size(); ++i) {
      const Clock::time_point start = Clock::now();
      walk.advance(i + 1);
      const double took = seconds_since(start);
      times[i] = round <= 1 ? took : std::min(times[i], took);
    }
  }
  const double whole = std::accumulate(times.begin(), times.end(), 0.0);
  double suffixes = 0.0;
  for (const PointName& point : points) {
    const std::vector<bool> depends = dependents(model.graph, static_cast<size_t>(model.graph.index_of(point.layer)));
    for (size_t i = 0; i < times.size(); ++i) suffixes += depends[i] ? times[i] : 0.0;
  }
  return whole * static_cast<double>(points.size()) / suffixes;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) {
    std::cerr << "expected: sensitivity FILE|- NETWORK IMAGES EVERY THREADS [interval]\n";
    return 2;
  }
  load_cuda();
  keep_freed_memory();
  at::set_num_threads(std::atoi(argv[5]));
  const std::string file = argv[1];
  const Model model =
      file == "-" ? initialize(build_network(argv[2], {}, {3, 32, 32}, 100).graph, 1) : read_any_model(file, argv[2]);
  DataSource source;
  source.name = "cifar100";
  const Dataset data = open_dataset(source, Split::train);
  const std::vector<int64_t> images = hold_back(data, std::atoi(argv[3]), 1).held_back;
  SensitivityOptions options;
  options.images = std::atoi(argv[3]);
  options.batch = std::min<int64_t>(100, options.images);
  const std::vector<std::string> all = model.graph.weight_layers();
  for (size_t i = 0; i < all.size(); i += static_cast<size_t>(std::atoi(argv[4]))) options.layers.push_back(all[i]);
  const auto run = [&](const char* mode) {
    SensitivityOptions chosen = options;
    chosen.mode = mode;
    const SensitivitySink sink = {{}, [](const SensitivityPoint&) {}, [](int64_t, int64_t, const std::string&) {}};
    const Clock::time_point start = Clock::now();
    SensitivityTable table = run_sensitivity(model, data, images, chosen, at::Device(at::kCPU), sink);
    return Timed{std::move(table), seconds_since(start)};
  };
  const double bound = bound_of(model, data, images, options.points(model.graph));
  const char* ours = argc > 6 ? argv[6] : "exact";
  const Timed fast = run(ours);
  const Timed naive = run("naive");
  size_t differing = 0;
  for (size_t i = 0; i < naive.table.points.size(); ++i)
    differing += fast.table.points[i].sums == naive.table.points[i].sums ? 0 : 1;
  std::string more;
  if (std::string(ours) == "interval") {
    std::vector<AllocationLayer> layers;
    for (const std::string& name : options.layers)
      layers.push_back({name, model.graph.weight_count(model.graph.layer(name)), 0.0, 0.9});
    const auto a = allocate_by_sensitivity(layers, curves_of(fast.table), options.target);
    const auto b = allocate_by_sensitivity(layers, curves_of(naive.table), options.target);
    double largest = 0.0;
    for (const auto& [name, sparsity] : a) largest = std::max(largest, std::abs(sparsity - b.at(name)));
    more = fmt::format(R"(, "target": {}, "same_allocation": {}, "largest_difference_of_allocation": {:.4f})",
                       options.target, largest < kSameSparsity, largest);
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::cout << fmt::format(
                   R"({{"name": "sensitivity", "network": "{}", "mode": "{}", "images": {}, "points": {}, )"
                   R"("ours": {:.2f}, "naive": {:.2f}, "ratio": {:.3f}, "bound": {:.3f}, "share_of_bound": {:.3f}, )"
                   R"("differing_points": {}{}, "unit": "s", "peak_memory_mib": {}}})",
                   argv[2], ours, options.images, naive.table.points.size(), fast.seconds, naive.seconds,
                   naive.seconds / fast.seconds, bound, naive.seconds / fast.seconds / bound, differing, more,
                   usage.ru_maxrss / 1024)
            << "\n";
}
