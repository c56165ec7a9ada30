// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "evaluation/predictor.h"
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

}  // namespace

std::unique_ptr<Predictor> packed_predictor(const PackedModel& packed, int64_t threads) {
  return std::make_unique<PackedPredictor>(packed, threads);
}

}  // namespace carat
