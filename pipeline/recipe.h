// SPDX-License-Identifier: Apache-2.0
// The YAML recipe as checked structs. Everything that can be wrong with it is found here, before anything runs.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "models/graph/graph.h"
#include "scoring/track.h"
#include "stages/stage.h"

namespace carat {

struct RecipeStage {
  const StageInfo* info = nullptr;
  std::string id;  // "02-sensitivity"
  Position at;
  std::unique_ptr<Stage> stage;
  std::unique_ptr<OptionTable> table;
};

struct Recipe {
  std::string name;  // file name without .yaml
  Track track;
  std::string model_name;
  std::map<std::string, int64_t> model_options;
  DataSource data;
  DatasetInfo data_info;  // shape, classes and sizes of the data
  ImageFormat format;  // what the network wants of image files
  int64_t held_back = 2000;
  int64_t seed = 1;
  std::vector<RecipeStage> stages;

  ModelGraph graph;                     // the network before the first stage
  std::vector<Prediction> predictions;  // after each stage
  std::string resolved;                 // YAML with every option written out
};

// Reads, checks and plans. overrides: "key.path=value". Throws Error "file:line:column: key.path: expected ..., got
// ...".
Recipe read_recipe(const std::string& file, const std::vector<std::string>& overrides);

}  // namespace carat
