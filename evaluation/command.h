// SPDX-License-Identifier: Apache-2.0
// carat evaluate: what both programs have of it. The program carat runs packed files, carat-engine everything else.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "evaluation/evaluation.h"
#include "models/weights/model.h"

namespace carat {

struct EvaluateRequest {
  std::string file;
  std::string network;  // of the zoo, for a file of plain tensors
  DataSource data;
  Split split = Split::test;
  std::string format = "text";
  std::string per_class_file;
  std::string predictions_file;
  std::string device = "auto";
  std::string arithmetic;  // of Scale layers, instead of the declared one
  std::string rounding;    // of activation quantizers, instead of the declared one
  std::string interpolation;
  int64_t resize = -1;  // instead of the network's own
  int64_t limit = 0;
  int64_t threads = 0;
  bool is_exact = false;
};

// Throws UsageError.
EvaluateRequest parse_evaluate(const std::vector<std::string>& words);

// The network with the request's changes of declaration and preprocessing. A packed file cannot be changed.
Model requested_model(const EvaluateRequest& request);
bool is_packed_file(const std::string& path);

// Evaluates, prints the report and writes the files that were asked for.
int run_evaluate(const EvaluateRequest& request, Predictor& predictor);

}  // namespace carat
