// SPDX-License-Identifier: Apache-2.0
#include "evaluation/verify_command.h"

#include <algorithm>
#include <memory>
#include <mutex>

#include "base/console.h"
#include "base/fail.h"
#include "base/parallel.h"
#include "base/random.h"
#include "base/text.h"
#include "data/batch.h"
#include "evaluation/evaluation.h"
#include "evaluation/parse.h"
#include "models/packed/cuda_executor.h"
#include "models/packed/fast_executor.h"

namespace carat {
namespace {

namespace po = boost::program_options;

struct Comparison {
  int64_t images = 0;
  int64_t values = 0;
  int64_t differing = 0;
  std::map<std::string, int64_t> layers;  // values that differ, by layer
  std::string first;
  int64_t first_image = -1;

  void merge(const Comparison& other) {
    images += other.images;
    values += other.values;
    differing += other.differing;
    for (const auto& [layer, count] : other.layers) layers[layer] += count;
    if (other.first_image < 0 || (first_image >= 0 && first_image < other.first_image)) return;
    first = other.first;
    first_image = other.first_image;
  }
};

using Execution = std::function<void(const uint8_t* image, float* logits, const LayerObserver& observer)>;

template <typename Executor>
Execution execution_of(const PackedModel& packed) {
  return [executor = std::make_shared<Executor>(packed)](const uint8_t* image, float* logits,
                                                         const LayerObserver& observer) {
    executor->run_observed(image, logits, observer);
  };
}

class Comparer {
 public:
  Comparer(const PackedModel& packed, const std::string& device, const LayerSource& other)
      : graph_(packed.graph),
        execute_(device == "cuda" ? execution_of<CudaExecutor>(packed) : execution_of<FastExecutor>(packed)),
        other_(other) {}

  Comparison compare(const uint8_t* image, int64_t index) const {
    const LayerValues expected = other_(image);
    std::vector<float> logits(static_cast<size_t>(graph_.classes()));
    Comparison result;
    result.images = 1;
    execute_(image, logits.data(), [&](size_t layer, const std::vector<float>& values) {
      const auto found = expected.find(graph_.layers()[layer].name);
      if (found != expected.end()) compare_layer(layer, index, values, found->second, result);
    });
    return result;
  }

 private:
  void compare_layer(size_t layer, int64_t image, const std::vector<float>& a, const std::vector<float>& b,
                     Comparison& result) const {
    const std::string& name = graph_.layers()[layer].name;
    require(a.size() == b.size(), "layer {}: expected {} values, got {}", name, a.size(), b.size());
    result.values += static_cast<int64_t>(a.size());
    for (size_t i = 0; i < a.size(); ++i) {
      if (a[i] == b[i]) continue;
      ++result.differing;
      ++result.layers[name];
      if (result.first_image >= 0) continue;
      const Shape& shape = graph_.output_shape(static_cast<int64_t>(layer));
      const auto at = static_cast<int64_t>(i);
      const int64_t pixels = shape.height * shape.width;
      result.first_image = image;
      result.first = fmt::format("image {}, layer {}, channel {}, pixel ({}, {}): {} packed, {} expected", image, name,
                                 at / pixels, at % pixels / shape.width, at % shape.width, a[i], b[i]);
    }
  }

  const ModelGraph& graph_;
  Execution execute_;
  const LayerSource& other_;
};

std::vector<uint8_t> random_images(const ModelGraph& graph, int64_t count) {
  Random random({1, "verify", "images", 0});
  std::vector<uint8_t> pixels(static_cast<size_t>(count * graph.input().input_shape.elements()));
  for (uint8_t& pixel : pixels) pixel = static_cast<uint8_t>(random.below(256));
  return pixels;
}

Comparison compare_images(const VerifyRequest& request, const PackedModel& packed, const LayerSource& other) {
  constexpr int64_t kBatch = 16;
  Console console(stderr);
  const Comparer comparer(packed, request.device, other);
  const bool has_data = !request.data.name.empty();
  const Dataset data = has_data ? open_dataset(request.data, request.split, format_of(packed.graph)) : Dataset{};
  const int64_t all = has_data ? data.size() : std::max<int64_t>(1, request.limit);
  const int64_t total = request.limit > 0 ? std::min(request.limit, all) : all;
  const std::vector<uint8_t> noise = has_data ? std::vector<uint8_t>{} : random_images(packed.graph, total);
  const int64_t bytes = packed.graph.input().input_shape.elements();
  Comparison sum;
  std::mutex mutex;
  for (int64_t begin = 0; begin < total; begin += kBatch) {
    const int64_t end = std::min(begin + kBatch, total);
    const Batch batch = has_data ? gather(data, begin, end) : Batch{};
    const uint8_t* images = has_data ? batch.pixels.data() : noise.data() + begin * bytes;
    parallel_ranges(end - begin, request.threads > 0 ? request.threads : default_threads(),
                    [&](int64_t first, int64_t last) {
                      for (int64_t i = first; i < last; ++i) {
                        const Comparison one = comparer.compare(images + i * bytes, begin + i);
                        const std::lock_guard lock(mutex);
                        sum.merge(one);
                      }
                    });
    console.progress("verifying", end, total, "");
  }
  return sum;
}

}  // namespace

VerifyRequest parse_verify(const std::vector<std::string>& words) {
  VerifyRequest request;
  std::string split;
  po::options_description options;
  options.add_options()("file", po::value(&request.file), "")("against", po::value(&request.against), "")(
      "model", po::value(&request.network), "")("data", po::value(&request.data.name), "")(
      "root", po::value(&request.data.root), "")("labels", po::value(&request.data.labels), "")(
      "synsets", po::value(&request.data.synsets), "")("split", po::value(&split)->default_value("test"), "")(
      "limit", po::value(&request.limit), "")("threads", po::value(&request.threads), "")(
      "device", po::value(&request.device), "");
  parse_options(words, options, "file", 1);
  if (request.file.empty()) throw UsageError("expected a packed model");
  if (split != "train" && split != "test") throw UsageError("--split: expected train or test, got '" + split + "'");
  if (request.device != "auto" && request.device != "cpu" && request.device != "cuda")
    throw UsageError("--device: expected auto, cpu, cuda, got '" + request.device + "'");
  if (request.limit < 0 || request.threads < 0) throw UsageError("--limit and --threads: expected at least 0");
  request.split = split == "train" ? Split::train : Split::test;
  return request;
}

int run_verify(const VerifyRequest& request, const PackedModel& packed, const LayerSource& other,
               const std::string& other_name) {
  const Comparison sum = compare_images(request, packed, other);
  fmt::print("{}: checksum and bounds are right; no integer leaves its register\n", request.file);
  fmt::print("against {}, {} {}: {} values compared, {} differ\n", other_name, sum.images,
             request.data.name.empty() ? "random images" : "images of " + request.data.name,
             with_separators(sum.values), with_separators(sum.differing));
  if (sum.values == 0) fail("{}: the two networks have no layer in common that could be compared", request.file);
  if (sum.differing == 0) return 0;
  fmt::print("first: {}\n", sum.first);
  for (const LayerSpec& layer : packed.graph.layers())
    if (sum.layers.contains(layer.name))
      fmt::print("  {:<32} {} differ\n", layer.name, with_separators(sum.layers.at(layer.name)));
  return 1;
}

}  // namespace carat
