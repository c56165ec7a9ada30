// SPDX-License-Identifier: Apache-2.0
// Gradient training of a model, shared by train, prune and finetune. Checkpointed; after a kill it continues to the
// same bits (CPU, same thread count).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/options.h"
#include "stages/context.h"
#include "stages/loss.h"
#include "stages/mask_schedule.h"
#include "stages/optimizer.h"
#include "stages/oscillation.h"
#include "stages/teacher.h"

namespace carat {

// How a quantized network is trained.
struct QuantizedTraining {
  std::string scales = "fixed";  // fixed, refit, learned
  std::string train = "all";     // all, activations, weights
  double freeze_norm_after = 1.0;
  OscillationOptions oscillation;

  void describe(OptionTable& table);
  // Throws Error when the network has nothing that they could be about.
  void check(const std::string& stage, const ModelGraph& graph) const;
  bool changes_scales() const { return scales != "fixed"; }
  LearnedParts parts() const;
};

struct TrainingOptions {
  int64_t epochs = 10;
  int64_t batch_size = 128;
  double lr = 0.1;
  std::string schedule = "cosine";
  double warmup_epochs = 0.0;
  std::vector<double> lr_steps;  // epochs at which lr falls, schedule step
  double lr_factor = 0.1;        // what it is multiplied with there
  OptimizerOptions optimizer = {.weight_decay = 5e-4};
  LossOptions loss;
  TeacherOptions teacher;
  std::string precision = "float32";
  bool capture = true;
  QuantizedTraining quantized;
  double average = 0.0;     // decay of the exponential moving average; 0: none
  int64_t norm_images = 0;  // images for batch norm's statistics after training; 0: they stay
  double best_every = 0.0;  // epochs between measurements on held-back images; 0: the last weights are taken
  int64_t best_images = 2000;
  int64_t crop_padding = 0;
  bool flip = false;
  int64_t cutout = 0;
  // More augmentation: see data/augment.h and data/mix.h.
  double random_resized_crop = 0.0;
  double colour_jitter = 0.0;
  double hue_jitter = 0.0;
  std::string auto_augment = "none";
  int64_t rand_augment_n = 0;
  int64_t rand_augment_m = 9;
  double random_erasing = 0.0;
  double mixup = 0.0;
  double cutmix = 0.0;
  double mix_probability = 1.0;

  void describe(OptionTable& table);
  // Throws Error when options contradict each other or the network, or a teacher's file does not fit. stage: names the
  // options in messages.
  void check(const std::string& stage, const ModelGraph& graph, int64_t held_back_images) const;
  // Hash of the teachers' files, for the store key; "" without any.
  std::string input_identity() const { return loss.needs_teacher() ? teacher.identity() : ""; }
};

// Learning rate of a step: linear warm-up from 0, then constant, lr * factor^(steps passed), or
// lr * (1 + cos(pi * t)) / 2 over the rest.
// Source: Loshchilov, Hutter 2017, eq. 5 without restarts.
double learning_rate(const TrainingOptions& options, int64_t step, int64_t steps, int64_t steps_per_epoch);

// Trains in place. masks may be null: those of the model stay. Throws Error when a teacher has other classes, or the
// loss is no number any more.
void train_model(Model& model, const TrainingOptions& options, MaskSchedule* masks, StageContext& context);

}  // namespace carat
