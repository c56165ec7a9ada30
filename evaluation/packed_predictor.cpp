// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "evaluation/predictor.h"
#include "models/packed/cuda_executor.h"
#include "models/packed/fast_executor.h"

namespace carat {
namespace {

class PackedPredictor : public Predictor {
 public:
  PackedPredictor(const PackedModel& packed, int64_t threads)
      : graph_(packed.graph), executor_(packed), threads_(threads) {}

  const ModelGraph& graph() const override { return graph_; }

  std::vector<float> logits(const std::vector<uint8_t>& pixels, int64_t count) override {
    std::vector<float> result(static_cast<size_t>(count * graph_.classes()));
    executor_.run(pixels.data(), count, result.data(), threads_);
    return result;
  }

  std::string describe() const override {
    return fmt::format("integer codes of the packed file, CPU, {} threads", threads_);
  }

 private:
  ModelGraph graph_;
  FastExecutor executor_;
  int64_t threads_;
};

class CudaPredictor : public Predictor {
 public:
  explicit CudaPredictor(const PackedModel& packed) : graph_(packed.graph), executor_(packed) {}

  const ModelGraph& graph() const override { return graph_; }
  int64_t batch() const override { return executor_.batch(); }

  std::vector<float> logits(const std::vector<uint8_t>& pixels, int64_t count) override {
    std::vector<float> result(static_cast<size_t>(count * graph_.classes()));
    executor_.run(pixels.data(), count, result.data());
    return result;
  }

  std::string describe() const override {
    return fmt::format("integer codes of the packed file, {}", executor_.device());
  }

 private:
  ModelGraph graph_;
  CudaExecutor executor_;
};

}  // namespace

std::unique_ptr<Predictor> packed_predictor(const PackedModel& packed, const std::string& device, int64_t threads) {
  if (device == "cuda") return std::make_unique<CudaPredictor>(packed);
  return std::make_unique<PackedPredictor>(packed, threads);
}

}  // namespace carat
