// SPDX-License-Identifier: Apache-2.0
// Networks by name. Adding one: models/zoo/NAME.cpp, which returns its entry, and a row in zoo.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "models/graph/builder.h"

namespace carat {

using ModelValues = std::map<std::string, int64_t>;

struct ModelOption {
  std::string name;
  int64_t lowest;
  int64_t highest;
  int64_t default_value;
  std::string help;
};

// What layers are called in files that others write: by layout ("torchvision", "timm", "published"), our layer's name
// to the module's. A layer without a name in a layout keeps ours.
class LayerNames {
 public:
  // Returns the layer, so that a call can stand around the one that builds it.
  std::string note(const std::string& layer, const std::map<std::string, std::string>& names);
  const std::map<std::string, std::map<std::string, std::string>>& layouts() const { return layouts_; }

  // The layout that is our own names: of a graph that has a publication's names.
  static LayerNames same(const std::string& layout, const ModelGraph& graph);

 private:
  std::map<std::string, std::map<std::string, std::string>> layouts_;
};

struct ZooNetwork {
  ModelGraph graph;
  LayerNames names;
};

// One member of a family, with everything that was published of it. Counts are exact, from a publication, worked by
// hand, or made by tools/count_networks.py; every_model_test checks them.
struct ZooVariant {
  std::string name;
  ModelValues options;
  Shape input;
  int64_t classes = 0;
  Preprocessing preprocessing;

  int64_t weights = 0;            // convolution and linear
  int64_t batch_norm_values = 0;  // gamma and beta
  int64_t biases = 0;             // of convolutions and linear layers
  int64_t mults = 0;              // of convolutions and linear layers, per image
  std::string source;             // of the counts

  double accuracy = 0.0;  // published top-1 in percent on the data set's test images; 0: none known
  std::string accuracy_source;
  std::string weights_file = {};  // below the data root, "" when none is known
  // A published final network: its files are known by their tensors, and are scored on this track. Else "".
  std::string track = {};
};

struct ZooEntry {
  std::string name;
  std::string help;
  std::vector<ModelOption> options;
  std::vector<ZooVariant> variants;
  ZooNetwork (*build)(const ModelValues& options, const Shape& input, int64_t classes);
};

const std::vector<ZooEntry>& zoo();
// The entry of a family or of one of its variants. Throws Error with the nearest name.
const ZooEntry& zoo_entry(const std::string& name);
// nullptr when the name is no variant's.
const ZooVariant* zoo_variant(const std::string& name);

// name: a family, or a variant, whose options and preprocessing then are the defaults. Throws Error for an unknown
// option or a value out of range.
ZooNetwork build_network(const std::string& name, const ModelValues& options, const Shape& input, int64_t classes);
// A variant as published.
ZooNetwork build_network(const ZooVariant& variant);
ModelGraph build_model(const std::string& name, const ModelValues& options, const Shape& input, int64_t classes);

// The same graph with another preprocessing.
ModelGraph with_preprocessing(const ModelGraph& graph, const Preprocessing& preprocessing);

// A network to start from: every published one but those whose weights are codes already.
bool is_trainable(const ZooVariant& variant);

// Multiplies of convolutions and linear layers for one image.
int64_t count_mults(const ModelGraph& graph);

}  // namespace carat
