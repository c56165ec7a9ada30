// SPDX-License-Identifier: Apache-2.0
// Gradient training of a model, shared by train, prune and finetune: SGD with momentum, cosine schedule, label
// smoothing, a teacher. Checkpointed; after a kill it continues to the same bits (CPU, same thread count).
#pragma once

#include <cstdint>
#include <string>

#include "config/options.h"
#include "stages/context.h"

namespace carat {

struct TrainingOptions {
  int64_t epochs = 10;
  int64_t batch_size = 128;
  double lr = 0.1;
  std::string schedule = "cosine";
  double warmup_epochs = 0.0;
  double momentum = 0.9;
  double weight_decay = 5e-4;
  double label_smoothing = 0.0;
  // Share of the loss that follows the teacher: KL(teacher || student) at `temperature`, times temperature^2.
  // Source: Hinton et al. 2015, section 2.
  double distillation = 0.0;
  double temperature = 1.0;
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

  void describe(OptionTable& table);
};

// Learning rate of a step: linear warm-up from 0, then constant or lr * (1 + cos(pi * t)) / 2 over the rest.
// Source: Loshchilov, Hutter 2017, eq. 5 without restarts.
double learning_rate(const TrainingOptions& options, int64_t step, int64_t steps, int64_t steps_per_epoch);

// Trains in place. teacher may be null when options.distillation is 0.
void train_model(Model& model, const TrainingOptions& options, const Model* teacher, StageContext& context);

}  // namespace carat
