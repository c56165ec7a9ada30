// SPDX-License-Identifier: Apache-2.0
#include "models/net/held_batch.h"

#include <torch/torch.h>

#include <algorithm>

namespace carat {
namespace {

std::vector<size_t> inputs_of(const ModelGraph& graph, size_t layer) {
  std::vector<size_t> inputs;
  for (const std::string& name : graph.layers()[layer].inputs)
    inputs.push_back(static_cast<size_t>(graph.index_of(name)));
  return inputs;
}

}  // namespace

std::vector<bool> dependents(const ModelGraph& graph, size_t layer) {
  std::vector<bool> depends(graph.layers().size(), false);
  depends[layer] = true;
  for (size_t i = layer + 1; i < depends.size(); ++i)
    for (const size_t from : inputs_of(graph, i)) depends[i] = depends[i] || depends[from];
  return depends;
}

int64_t largest_live_set(const ModelGraph& graph) {
  const size_t count = graph.layers().size();
  std::vector<size_t> last(count, count);
  for (size_t i = 1; i < count; ++i)
    for (const size_t from : inputs_of(graph, i)) last[from] = i;
  int64_t largest = 0;
  for (size_t i = 1; i < count; ++i) {
    int64_t alive = 0;
    for (size_t j = 0; j < i; ++j)
      if (last[j] >= i) alive += graph.output_shape(static_cast<int64_t>(j)).elements();
    largest = std::max(largest, alive);
  }
  return largest;
}

void HeldBatch::advance(size_t layer) {
  const torch::NoGradGuard no_grad;
  for (; next_ < layer; ++next_) {
    network_.run_layer(next_, values_, Mode::evaluate);
    for (const size_t from : inputs_of(network_.graph(), next_))
      if (network_.last_use(from) == next_) values_[from] = {};
  }
}

at::Tensor HeldBatch::input_of(size_t layer) const {
  return Network::real(values_[inputs_of(network_.graph(), layer).front()]);
}

at::Tensor HeldBatch::logits(size_t changed, const at::Tensor& input) {
  const torch::NoGradGuard no_grad;
  advance(changed);
  const std::vector<bool> depends = dependents(network_.graph(), changed);
  Network::Values values = values_;
  // Results that were run ahead for a layer before this one.
  for (size_t i = changed; i < values.size(); ++i)
    if (depends[i]) values[i] = {};
  if (input.defined()) {
    // The other readers of the input have to see its own values.
    const size_t from = inputs_of(network_.graph(), changed).front();
    values[from] = {.tensor = input};
    network_.run_layer(changed, values, Mode::evaluate);
    values[from] = values_[from];
  }
  for (size_t i = changed; i < values.size(); ++i) {
    if (depends[i]) {
      network_.run_layer(i, values, Mode::evaluate);
    } else {
      network_.run_layer(i, values_, Mode::evaluate);
      for (size_t j = i; j < values.size(); ++j)
        if (!depends[j] && values_[j].tensor.defined()) values[j] = values_[j];
    }
    for (const size_t from : inputs_of(network_.graph(), i))
      if (network_.last_use(from) == i) values[from] = {};
  }
  return Network::logits(values);
}

}  // namespace carat
