// SPDX-License-Identifier: Apache-2.0
// Measures a network with one layer at a time changed.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "models/net/held_batch.h"
#include "stages/sensitivity_table.h"

namespace carat {

struct SensitivityRequest {
  std::string quantity = "sparsity";  // weight_bits: weights on a grid of so many bits with a scale per kernel;
                                      // activation_bits: the layer's input on a grid with one scale
  int64_t batch = 100;
  int64_t memory = int64_t{4} << 30;  // bytes for results that are kept in front of a layer
  bool reuses = true;                 // false: every point runs the whole network, as a plain loop does
  std::string rule;                   // what decides which images a point sees; part of the identity
};

// Hash of the network's numbers, the images, their order and batches, the quantity and the rule.
std::string sensitivity_identity(const Model& model, const Dataset& data, const std::vector<int64_t>& images,
                                 const SensitivityRequest& request);

struct PointName {
  std::string layer;
  double level = 0.0;
};

class SensitivityEngine {
 public:
  // images: indices into data; all of one run have the same order.
  SensitivityEngine(const Model& model, const Dataset& data, std::vector<int64_t> images, SensitivityRequest request,
                    const at::Device& device);

  // Of the network as it is, over images [begin, end) (multiples of the batch, or all).
  PointSums dense(int64_t begin, int64_t end);

  // Measures points, those of a layer next to each other and layers in the network's order, over images [begin, end);
  // done is called for each as soon as it is known. Batches are held in front of the layer as far as memory allows; the
  // others run from their images anew for every layer. Both give the same numbers as running the whole network.
  void measure(const std::vector<PointName>& points, int64_t begin, int64_t end,
               const std::function<void(const PointName&, const PointSums&)>& done);

  // Bytes held in front of a layer for one batch, at most.
  int64_t bytes_per_batch() const;

 private:
  struct BatchData {
    at::Tensor pixels;
    at::Tensor labels;
    at::Tensor dense;        // {N, classes} log-probabilities of the network as it is
    at::Tensor dense_loss;   // {N}
    at::Tensor dense_right;  // {N} bool
  };

  BatchData& batch(int64_t index);
  PointSums sums_of(const at::Tensor& logits, const BatchData& data) const;
  std::vector<float> changed_weights(const std::string& layer, double level);
  at::Tensor changed_input(size_t layer, const at::Tensor& input, double level);
  at::Tensor logits_of(HeldBatch& held_batch, size_t layer, double level);

  const Model& model_;
  const Dataset& data_;
  std::vector<int64_t> images_;
  SensitivityRequest request_;
  Network network_;
  std::vector<BatchData> batches_;
  std::map<std::pair<size_t, double>, std::pair<QuantSpec, double>> grids_;  // of inputs, by layer and bits
  std::string ordered_layer_;                                                // whose weights order_ holds
  std::vector<size_t> order_;                                                // by rising magnitude
};

}  // namespace carat
