// SPDX-License-Identifier: Apache-2.0
#include "models/packed/reference_executor.h"

#include <algorithm>

#include "base/parallel.h"
#include "models/packed/input_rule.h"
#include "models/packed/plain_layer.h"
#include "models/packed/window_of.h"
#include "models/weights/integer_range.h"

namespace carat {

ReferenceExecutor::ReferenceExecutor(const PackedModel& packed) : model_(unpack(packed)), flow_(model_.graph) {
  integer_ranges(model_);
  const std::vector<LayerSpec>& layers = model_.graph.layers();
  kernels_.resize(layers.size());
  for (size_t i = 0; i < layers.size(); ++i)
    if (flow_.on_codes[i])
      kernels_[i] =
          sparse_kernels(model_.buffer(layers[i].name + ".weight").values.data(), window_of(model_.graph, layers[i]));
}

void ReferenceExecutor::run(const uint8_t* images, int64_t count, float* logits, int64_t threads) const {
  const int64_t image = model_.graph.input().input_shape.elements();
  const int64_t classes = model_.graph.classes();
  parallel_ranges(count, threads, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      run_observed(images + i * image, logits + i * classes, [](size_t, const std::vector<float>&) {});
  });
}

void ReferenceExecutor::run_observed(const uint8_t* image, float* logits, const LayerObserver& observer) const {
  std::vector<std::vector<float>> values(kernels_.size());
  values[0].resize(static_cast<size_t>(model_.graph.input().input_shape.elements()));
  input_values(model_.graph, image, values[0].data());
  observer(0, values[0]);
  for (size_t i = 1; i < values.size(); ++i) {
    std::vector<const float*> inputs;
    for (const size_t from : flow_.inputs[i]) inputs.push_back(values[from].data());
    values[i].resize(static_cast<size_t>(model_.graph.output_shape(static_cast<int64_t>(i)).elements()));
    if (has_weights(model_.graph.layers()[i]))
      run_weight_layer(model_, i, flow_.on_codes[i] ? &kernels_[i] : nullptr, inputs[0], values[i].data());
    else
      run_plain_layer(model_, i, inputs, values[i].data());
    observer(i, values[i]);
    for (const size_t from : flow_.inputs[i])
      if (flow_.readers[from].back() == i) values[from] = {};
  }
  std::copy(values.back().begin(), values.back().end(), logits);
}

}  // namespace carat
