// SPDX-License-Identifier: Apache-2.0
// Accuracy of a predictor on a data set, and its report.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "data/dataset.h"
#include "evaluation/predictor.h"
#include "evaluation/tally.h"

namespace carat {

struct EvaluationReport {
  std::string model;   // file
  std::string data;    // "cifar100 test"
  std::string method;  // Predictor::describe
  Preprocessing preprocessing;
  Tally tally;
  int64_t skipped = 0;   // unreadable images
  double seconds = 0.0;  // decoding and network together

  double images_per_second() const { return seconds > 0.0 ? static_cast<double>(tally.total()) / seconds : 0.0; }
};

// How the graph wants images: as its preprocessing says, else by format_for.
ImageFormat format_of(const ModelGraph& graph);

// The first limit images, all with 0. progress(done, total) after every batch. Throws Error where the data set's shape
// or its number of classes is not the network's.
EvaluationReport evaluate_images(Predictor& predictor, const Dataset& data, int64_t limit,
                                 const std::function<void(int64_t, int64_t)>& progress);

// Top-1 and top-5 with their 95 % intervals, loss, images per second.
std::string to_text(const EvaluationReport& report);
// correct, correct5, total, loss, images_per_second, and what the text has.
std::string to_json(const EvaluationReport& report);
// One row per class: class, images, correct, correct5, predicted, accuracy.
std::string per_class_csv(const EvaluationReport& report);

}  // namespace carat
