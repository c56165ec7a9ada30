// SPDX-License-Identifier: Apache-2.0
// One training run: steps, checkpoints, the moving average and the best weights so far.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "data/loader.h"
#include "models/net/step_graph.h"
#include "stages/training.h"

namespace carat {

class Trainer {
 public:
  // masks may be null.
  Trainer(Model& model, const TrainingOptions& options, MaskSchedule* masks, StageContext& context);

  // Continues from a checkpoint where there is one; then the model holds the trained numbers.
  void run();

 private:
  using Tensors = std::map<std::string, at::Tensor>;

  void train_step();
  // The batch in the tensors that step_on_device reads, the same ones for every step on a GPU.
  void take_batch();
  void step_on_device();
  at::Tensor loss_of(at::Tensor& logits);
  void update_average();
  void measure_if_due();
  void report();
  void save();
  void resume();
  void finish();
  // Puts these numbers into the network; returns what was there.
  Tensors exchange(const Tensors& numbers);

  Model& model_;
  const TrainingOptions& options_;
  MaskSchedule* masks_;
  StageContext& context_;
  Network network_;
  std::optional<Teacher> teacher_;
  Loader loader_;
  Optimizer optimizer_;
  std::optional<Oscillation> oscillation_;
  StepGraph graph_;
  at::Tensor pixels_;
  Targets targets_;
  int64_t steps_ = 0;
  int64_t step_ = 0;

  Tensors average_;  // empty without
  Tensors best_;     // empty until measured
  int64_t best_correct_ = -1;
  int64_t best_step_ = 0;

  // Of the log line, on the device: {2}, sums of the steps' losses and of images that were right.
  at::Tensor sums_;
  int64_t summed_steps_ = 0;
};

// Batch norm's running statistics as the mean over the batches of `images` augmented training images, with everything
// else fixed. Source: Wu, Johnson 2021 ("precise batch norm"), section 3.
void estimate_norm_statistics(Network& network, Loader& loader, int64_t images, StageContext& context);

}  // namespace carat
