// SPDX-License-Identifier: Apache-2.0
// A compression technique. Adding one: stages/foo.cpp and a row in stages/catalog.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "config/options.h"
#include "scoring/track.h"
#include "stages/context.h"

namespace carat {

// What is known of a network before anything runs.
struct Prediction {
  ModelGraph graph;
  std::map<std::string, double> density;  // share of nonzero weights by layer; 1 when absent
  std::vector<std::string> notes;         // what every layer pattern matched, decisions worth reading
  Track track;                            // the recipe's
  Shape images;                           // of the data
  int64_t classes = 0;                    // of the data
  bool takes_any_size = false;            // image files, which are resized to what the network reads
  int64_t training_images = 0;            // size of the training set without the held-back part
  int64_t held_back_images = 0;
  double forward_images = 0;   // images this stage sends through the network, forward only
  double training_passes = 0;  // images this stage sends forward and backward
  // Bits of weights and activations that prune planned its target_score at.
  std::optional<std::pair<int64_t, int64_t>> planned_bits;
  std::set<std::string> measured_widths;  // weight_bits, activation_bits: what sensitivity stages measured
  std::map<std::string, double>
      measured;  // highest sparsity of the last sensitivity stage of sparsities, by layer; empty: of none
};

class Stage {
 public:
  virtual ~Stage() = default;

  // Binds the options to this object's variables.
  virtual void describe(OptionTable& table) = 0;
  // Decisions only: changes the graph and the densities as run() will. Called with the checked options; a layer pattern
  // that matches nothing or a conflict throws with the recipe position.
  virtual void plan(Prediction& prediction) const = 0;
  virtual void run(Model& model, StageContext& context) = 0;
  // Whether layers may go and weights change their shape; the result is nobody's teacher before it is trained.
  virtual bool changes_structure() const { return false; }
  // Whether scales and widths of quantized layers may change.
  virtual bool changes_scales() const { return false; }
  // Hash of what the stage reads beside its input and options, for the store key; planned: what plan() left.
  virtual std::string input_identity(const Prediction& /*planned*/) const { return ""; }
};

struct StageInfo {
  std::string name;
  int64_t version;  // raised when the same input and options give other output
  std::string help;
  std::unique_ptr<Stage> (*make)();
};

const std::vector<StageInfo>& stage_catalog();
// Throws Error with the nearest name.
const StageInfo& stage_named(const std::string& name);

// A model whose layers are those of graph, with every number kept that both have.
Model with_graph(const Model& model, const ModelGraph& graph);

// Layers that a pattern option matches among the candidates. Throws at the pattern's position when there are none.
std::vector<std::string> matched_layers(const OptionTable::Pattern& pattern,
                                        const std::vector<std::string>& candidates);

}  // namespace carat
