// SPDX-License-Identifier: Apache-2.0
// Networks by name. Adding one: models/zoo/NAME.cpp and a row in zoo.cpp with its published counts.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "models/graph/graph.h"

namespace carat {

using ModelValues = std::map<std::string, int64_t>;

struct ModelOption {
  std::string name;
  int64_t lowest;
  int64_t highest;
  int64_t default_value;
  std::string help;
};

// Counts of one variant, exactly, from a publication or worked by hand; every_model_test checks them.
struct PublishedCounts {
  ModelValues options;
  Shape input;
  int64_t classes;
  int64_t weights;            // convolution and linear
  int64_t batch_norm_values;  // gamma and beta
  int64_t biases;
  int64_t mults;  // of convolutions and linear layers, per image
  std::string source;
};

struct ZooEntry {
  std::string name;
  std::string help;
  std::vector<ModelOption> options;
  std::vector<PublishedCounts> published;
  ModelGraph (*build)(const ModelValues& options, const Shape& input, int64_t classes);
  // A published final network: its files are known by their tensors, and are scored on this track. Else "".
  std::string track = {};
};

const std::vector<ZooEntry>& zoo();
// Throws Error with the nearest name.
const ZooEntry& zoo_entry(const std::string& name);

// Options that are not given take their defaults. Throws Error for an unknown option or a value out of range.
ModelGraph build_model(const std::string& name, const ModelValues& options, const Shape& input, int64_t classes);

// Multiplies of convolutions and linear layers for one image.
int64_t count_mults(const ModelGraph& graph);

}  // namespace carat
