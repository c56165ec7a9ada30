// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <numbers>

#include "base/fail.h"
#include "data/policy.h"
#include "stages/training.h"

namespace carat {

void TrainingOptions::describe(OptionTable& table) {
  table.integer("epochs", epochs, {0, 100000}, "passes over the training images");
  table.integer("batch_size", batch_size, {1, 65536}, "images per step");
  table.number("lr", lr, {0, 100, "(0, 100]"}, "learning rate at its highest");
  table.choice("schedule", schedule, {"cosine", "step", "constant"}, "how the learning rate falls");
  table.number("warmup_epochs", warmup_epochs, {0, 1000, "[0, 1000]"}, "epochs of linear warm-up");
  table.numbers("lr_steps", lr_steps, {0, 100000, "[0, 100000]"}, "schedule step: epochs at which lr falls");
  table.number("lr_factor", lr_factor, {0, 1, "(0, 1)"}, "schedule step: what lr is multiplied with");
  table.choice("optimizer", optimizer.kind, {"sgd", "adamw"}, "how weights follow their gradients");
  table.flag("nesterov", optimizer.nesterov, "sgd: Nesterov's momentum");
  table.number("momentum", optimizer.momentum, {0, 1, "[0, 1)"}, "momentum of SGD; beta1 of AdamW");
  table.number("beta2", optimizer.beta2, {0, 1, "[0, 1)"}, "adamw: decay of the mean square");
  table.number("weight_decay", optimizer.weight_decay, {0, 1, "[0, 1)"},
               "L2 penalty on convolution and linear weights; not on batch norm and biases");
  table.number("gradient_clip", optimizer.gradient_clip, {0, 1e9, "[0, 1e9]"},
               "largest norm of all gradients together; 0: none");
  table.choice("precision", precision, {"float32", "bf16"}, "bf16: bfloat16 autocast on a GPU; float32 on the CPU");
  table.flag("capture", capture, "on a GPU: a step is one CUDA graph, replayed");
  table.number("average", average, {0, 1, "[0, 1)"},
               "decay of a moving average of the weights, which is kept; 0: none");
  table.integer("norm_images", norm_images, {0, 100000000},
                "training images, not mixed, for batch norm's statistics after training; 0: those of training stay");
  table.number("best_every", best_every, {0, 1000, "[0, 1000]"},
               "epochs between measurements on held-back images, the best weights are kept; 0: the last are");
  table.integer("best_images", best_images, {1, 1000000}, "held-back images for that");
  loss.describe(table);
  teacher.describe(table);
  table.integer("crop_padding", crop_padding, {0, 64}, "pixels of zero padding before a random crop");
  table.flag("flip", flip, "mirror half of the images");
  table.integer("cutout", cutout, {0, 256}, "side of a random square set to zero, in pixels");
  table.number("random_resized_crop", random_resized_crop, {0, 1, "[0, 1]"},
               "smallest share of the image's area that a random crop keeps; 0: no such crop");
  table.number("colour_jitter", colour_jitter, {0, 1, "[0, 1]"},
               "largest change of brightness, contrast and saturation");
  table.number("hue_jitter", hue_jitter, {0, 0.5, "[0, 0.5]"}, "largest turn of the hue, 1 is the whole circle");
  table.choice("auto_augment", auto_augment, auto_augment_names(), "AutoAugment policy");
  table.integer("rand_augment_n", rand_augment_n, {0, 14}, "RandAugment: changes per image; 0: none");
  table.integer("rand_augment_m", rand_augment_m, {0, 30}, "RandAugment: magnitude of the changes");
  table.number("random_erasing", random_erasing, {0, 1, "[0, 1]"}, "probability of a rectangle of random bytes");
  table.number("mixup", mixup, {0, 100, "[0, 100]"}, "mixup: parameter of the Beta distribution; 0: none");
  table.number("cutmix", cutmix, {0, 100, "[0, 100]"}, "cutmix: parameter of the Beta distribution; 0: none");
  table.number("mix_probability", mix_probability, {0, 1, "[0, 1]"}, "share of the batches that are mixed");
}

void TrainingOptions::check(const std::string& stage, const ModelGraph& graph, int64_t held_back_images) const {
  require(schedule == "step" || lr_steps.empty(), "{}.lr_steps: expected schedule: step beside it, got {}", stage,
          schedule);
  for (size_t i = 1; i < lr_steps.size(); ++i)
    require(lr_steps[i] > lr_steps[i - 1], "{}.lr_steps: expected a rising list, got {} after {}", stage, lr_steps[i],
            lr_steps[i - 1]);
  require(best_every == 0.0 || best_images <= held_back_images,
          "{}.best_images: expected at most data.held_back = {}, got {}", stage, held_back_images, best_images);
  require(!optimizer.nesterov || (optimizer.kind == "sgd" && optimizer.momentum > 0),
          "{}.nesterov: expected optimizer: sgd with momentum beside it", stage);
  for (const std::string& layer : loss.feature_layers) graph.index_of(layer);
  if (loss.needs_teacher()) teacher.check(stage + ".teachers", graph);
}

double learning_rate(const TrainingOptions& options, int64_t step, int64_t steps, int64_t steps_per_epoch) {
  const double warmup = options.warmup_epochs * static_cast<double>(steps_per_epoch);
  const auto now = static_cast<double>(step);
  if (now < warmup) return options.lr * (now + 1.0) / (warmup + 1.0);
  if (options.schedule == "constant") return options.lr;
  if (options.schedule == "step") {
    double rate = options.lr;
    for (const double epoch : options.lr_steps)
      if (now >= epoch * static_cast<double>(steps_per_epoch)) rate *= options.lr_factor;
    return rate;
  }
  const double t = (now - warmup) / std::max(1.0, static_cast<double>(steps) - warmup);
  return options.lr * 0.5 * (1.0 + std::cos(std::numbers::pi * t));
}

}  // namespace carat
