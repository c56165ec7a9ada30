// SPDX-License-Identifier: Apache-2.0
#include "stages/training.h"

#include <torch/torch.h>

#include <cmath>
#include <numbers>
#include <optional>

#include "base/fail.h"
#include "base/hash.h"
#include "data/loader.h"
#include "data/policy.h"
#include "models/net/network.h"
#include "models/weights/safetensors.h"
#include "stages/evaluate.h"
#include "stages/loss.h"

namespace carat {
namespace {

class Trainer {
 public:
  Trainer(Model& model, const TrainingOptions& options, const Model* teacher, StageContext& context)
      : model_(model),
        options_(options),
        context_(context),
        network_(model, context.device()),
        loader_(context.training_data(), loader_options()),
        optimizer_(parameter_groups(), torch::optim::SGDOptions(options.lr).momentum(options.momentum)) {
    if (teacher != nullptr && options.distillation > 0.0) teacher_.emplace(*teacher, context.device());
    steps_ = loader_.steps_per_epoch() * options.epochs;
  }

  void run() {
    resume();
    while (step_ < steps_) {
      train_step();
      if (step_ % kReportEvery == 0 || step_ == steps_) report();
      if (step_ < steps_ && context_.checkpoint_is_due()) save();
    }
    network_.store(model_);
  }

 private:
  static constexpr int64_t kReportEvery = 20;

  LoaderOptions loader_options() const {
    LoaderOptions loader;
    loader.batch_size = options_.batch_size;
    loader.augmentation = {.crop_padding = options_.crop_padding,
                           .flip = options_.flip,
                           .cutout = options_.cutout,
                           .random_resized_crop = options_.random_resized_crop,
                           .auto_augment = options_.auto_augment,
                           .rand_augment_n = options_.rand_augment_n,
                           .rand_augment_m = options_.rand_augment_m,
                           .colour_jitter = options_.colour_jitter,
                           .hue_jitter = options_.hue_jitter,
                           .random_erasing = options_.random_erasing};
    loader.mixing = {options_.mixup, options_.cutmix};
    loader.seed = context_.seed();
    loader.stage = context_.stage_id();
    loader.threads = context_.loader_threads();
    loader.indices = context_.training_indices();
    return loader;
  }

  std::vector<torch::optim::OptimizerParamGroup> parameter_groups() const {
    const Network::Parameters parameters = network_.parameters();
    const auto group = [&](const std::vector<at::Tensor>& tensors, double decay) {
      auto settings = std::make_unique<torch::optim::SGDOptions>(options_.lr);
      settings->momentum(options_.momentum).weight_decay(decay);
      return torch::optim::OptimizerParamGroup(tensors, std::move(settings));
    };
    return {group(parameters.weights, options_.weight_decay), group(parameters.others, 0.0)};
  }

  void train_step() {
    const double rate = learning_rate(options_, step_, steps_, loader_.steps_per_epoch());
    for (auto& group : optimizer_.param_groups()) static_cast<torch::optim::SGDOptions&>(group.options()).lr(rate);
    const Batch batch = loader_.next();
    const at::Tensor pixels = pixels_of(batch.pixels, context_.training_data(), context_.device());
    const Targets targets = targets_of(batch, context_.device());
    at::Tensor teacher_logits;
    if (teacher_) {
      const torch::NoGradGuard no_grad;
      teacher_logits = teacher_->forward(pixels, Mode::evaluate);
    }
    network_.set_dropout_seed(Hasher().number(context_.seed()).text(context_.stage_id()).number(step_).low64());
    const at::Tensor logits = network_.forward(pixels, Mode::train);
    const at::Tensor loss = training_loss(logits, targets, teacher_logits,
                                          {options_.label_smoothing, options_.distillation, options_.temperature});
    optimizer_.zero_grad();
    loss.backward();
    optimizer_.step();
    ++step_;
    loss_sum_ += loss.item<double>();
    correct_ += logits.detach().argmax(1).eq(targets.labels).sum().item<int64_t>();
    seen_ += batch.size;
  }

  void report() {
    const double mean_loss = loss_sum_ / static_cast<double>(seen_ / options_.batch_size);
    require(std::isfinite(mean_loss), "{}: the loss became {} at step {}: lower lr", context_.stage_id(), mean_loss,
            step_);
    context_.progress(
        "training", step_, steps_,
        fmt::format("epoch {}/{}  loss {:.4f}  train {:.2f} %", (step_ - 1) / loader_.steps_per_epoch() + 1,
                    options_.epochs, mean_loss, 100.0 * static_cast<double>(correct_) / static_cast<double>(seen_)));
    loss_sum_ = 0.0;
    correct_ = seen_ = 0;
  }

  // Running sums of the log line are not part of a checkpoint: it is taken right after a report or drops them.
  void save() {
    std::map<std::string, Buffer> tensors;
    for (const auto& [name, tensor] : network_.state()) tensors["net." + name] = to_buffer(tensor);
    int64_t number = 0;
    for (const auto& group : optimizer_.param_groups()) {
      for (const at::Tensor& parameter : group.params()) {
        const auto found = optimizer_.state().find(parameter.unsafeGetTensorImpl());
        if (found != optimizer_.state().end()) {
          const auto& state = static_cast<const torch::optim::SGDParamState&>(*found->second);
          tensors[fmt::format("momentum.{:04}", number)] = to_buffer(state.momentum_buffer());
        }
        ++number;
      }
    }
    context_.save_checkpoint(tensors_to_safetensors(tensors, {{"step", std::to_string(step_)}}));
  }

  void resume() {
    const std::optional<std::string> bytes = context_.load_checkpoint();
    if (!bytes) return;
    std::map<std::string, std::string> metadata;
    const auto tensors = tensors_from_safetensors(*bytes, "checkpoint", &metadata);
    std::map<std::string, Buffer> state;
    for (const auto& [name, buffer] : tensors)
      if (name.starts_with("net.")) state[name.substr(4)] = buffer;
    network_.load_state(state);
    int64_t number = 0;
    for (const auto& group : optimizer_.param_groups()) {
      for (const at::Tensor& parameter : group.params()) {
        const auto found = tensors.find(fmt::format("momentum.{:04}", number++));
        if (found == tensors.end()) continue;
        auto momentum = std::make_unique<torch::optim::SGDParamState>();
        momentum->momentum_buffer(to_tensor(found->second, context_.device()));
        optimizer_.state()[parameter.unsafeGetTensorImpl()] = std::move(momentum);
      }
    }
    step_ = std::stoll(metadata.at("step"));
    loader_.seek(step_);
    context_.log(fmt::format("continues at step {} of {}", step_, steps_));
  }

  Model& model_;
  const TrainingOptions& options_;
  StageContext& context_;
  Network network_;
  std::optional<Network> teacher_;
  Loader loader_;
  torch::optim::SGD optimizer_;
  int64_t steps_ = 0;
  int64_t step_ = 0;
  double loss_sum_ = 0.0;
  int64_t correct_ = 0;
  int64_t seen_ = 0;
};

}  // namespace

void TrainingOptions::describe(OptionTable& table) {
  table.integer("epochs", epochs, {0, 100000}, "passes over the training images");
  table.integer("batch_size", batch_size, {1, 65536}, "images per step");
  table.number("lr", lr, {0, 100, "(0, 100]"}, "learning rate at its highest");
  table.choice("schedule", schedule, {"cosine", "constant"}, "how the learning rate falls");
  table.number("warmup_epochs", warmup_epochs, {0, 1000, "[0, 1000]"}, "epochs of linear warm-up");
  table.number("momentum", momentum, {0, 1, "[0, 1)"}, "momentum of SGD");
  table.number("weight_decay", weight_decay, {0, 1, "[0, 1)"}, "L2 penalty on convolution and linear weights");
  table.number("label_smoothing", label_smoothing, {0, 1, "[0, 1)"}, "probability spread over all classes");
  table.number("distillation", distillation, {0, 1, "[0, 1]"}, "share of the loss that follows the dense network");
  table.number("temperature", temperature, {0, 100, "(0, 100]"}, "softmax temperature of the distillation");
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
}

double learning_rate(const TrainingOptions& options, int64_t step, int64_t steps, int64_t steps_per_epoch) {
  const double warmup = options.warmup_epochs * static_cast<double>(steps_per_epoch);
  const auto now = static_cast<double>(step);
  if (now < warmup) return options.lr * (now + 1.0) / (warmup + 1.0);
  if (options.schedule == "constant") return options.lr;
  const double t = (now - warmup) / std::max(1.0, static_cast<double>(steps) - warmup);
  return options.lr * 0.5 * (1.0 + std::cos(std::numbers::pi * t));
}

void train_model(Model& model, const TrainingOptions& options, const Model* teacher, StageContext& context) {
  if (options.epochs == 0) return;
  require(options.distillation == 0.0 || teacher != nullptr, "{}: distillation needs a teacher", context.stage_id());
  Trainer(model, options, teacher, context).run();
}

}  // namespace carat
