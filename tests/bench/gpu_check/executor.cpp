// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>

#include "base/parallel.h"
#include "base/random.h"
#include "models/packed/cuda_executor.h"
#include "models/packed/fast_executor.h"
#include "tests/bench/gpu_check/gpu_check.h"
#include "tests/support/files.h"

namespace carat {
namespace {

using nlohmann::ordered_json;

constexpr const char* kResults[] = {"demo", "cifar100_demo"};
constexpr int64_t kImages = 10240;
constexpr int64_t kDryImages = 2;
constexpr int kRepeats = 5;

std::vector<uint8_t> images_of(const ModelGraph& graph, int64_t count) {
  Random random({1, "gpu_check", "images", 0});
  std::vector<uint8_t> pixels(static_cast<size_t>(count * graph.input().input_shape.elements()));
  for (uint8_t& pixel : pixels) pixel = static_cast<uint8_t>(random.below(256));
  return pixels;
}

// Images per second of the fastest of some runs, after one.
template <typename Predict>
double rate(int64_t images, const Predict& predict) {
  double best = 0.0;
  for (int repeat = 0; repeat <= kRepeats; ++repeat) {
    const auto start = std::chrono::steady_clock::now();
    predict();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    if (repeat > 0) best = std::max(best, static_cast<double>(images) / seconds.count());
  }
  return best;
}

}  // namespace

bool check_executor(bool dry_run, ordered_json& report) {
  const int64_t count = dry_run ? kDryImages : kImages;
  const int64_t threads = default_threads();
  bool passed = true;
  ordered_json& part = report["executor"];
  part["unit"] = "images per second, host to host";
  part["cpu_threads"] = threads;
  for (const char* name : kResults) {
    const PackedModel packed = read_packed(source_folder() + "/results/" + name + "/model.carat");
    const std::vector<uint8_t> images = images_of(packed.graph, count);
    const FastExecutor fast(packed);
    const std::vector<int64_t> expected = fast.predict(images, threads);
    ordered_json line = {{"model", name},        {"images", count},     {"predictions", kNotMeasured},
                         {"cuda", kNotMeasured}, {"cpu", kNotMeasured}, {"batch", kNotMeasured}};
    if (!dry_run) {
      const CudaExecutor cuda(packed);
      const bool equal = cuda.predict(images) == expected;
      passed = passed && equal;
      line["predictions"] = equal ? "equal" : "differ";
      line["cuda"] = rate(count, [&] { cuda.predict(images); });
      line["cpu"] = rate(count, [&] { fast.predict(images, threads); });
      line["batch"] = cuda.batch();
    }
    part["models"].push_back(line);
  }
  return passed;
}

}  // namespace carat
