// SPDX-License-Identifier: Apache-2.0
#include "stages/trainer.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "base/fail.h"
#include "base/hash.h"
#include "models/net/autocast.h"
#include "models/net/training_ops.h"
#include "models/weights/safetensors.h"
#include "stages/evaluate.h"
#include "stages/quantized_training.h"

namespace carat {
namespace {

LoaderOptions loader_options(const TrainingOptions& options, StageContext& context) {
  LoaderOptions loader;
  loader.batch_size = options.batch_size;
  loader.augmentation = {.crop_padding = options.crop_padding,
                         .flip = options.flip,
                         .cutout = options.cutout,
                         .random_resized_crop = options.random_resized_crop,
                         .auto_augment = options.auto_augment,
                         .rand_augment_n = options.rand_augment_n,
                         .rand_augment_m = options.rand_augment_m,
                         .colour_jitter = options.colour_jitter,
                         .hue_jitter = options.hue_jitter,
                         .random_erasing = options.random_erasing};
  loader.mixing = {options.mixup, options.cutmix, options.mix_probability};
  loader.seed = context.seed();
  loader.stage = context.stage_id();
  loader.threads = context.loader_threads();
  loader.indices = context.training_indices();
  return loader;
}

std::vector<Parameter> trained_parameters(Network& network, const TrainingOptions& options) {
  network.set_learned(options.quantized.parts());
  return network.parameters();
}

// Its masks are drawn on the CPU, step by step.
bool has_dropout(const ModelGraph& graph) {
  return std::any_of(graph.layers().begin(), graph.layers().end(),
                     [](const LayerSpec& layer) { return layer.op == OpKind::dropout && layer.rate > 0; });
}

void add_all(const std::map<std::string, at::Tensor>& from, const std::string& prefix,
             std::map<std::string, Buffer>& to) {
  for (const auto& [name, tensor] : from) to[prefix + name] = to_buffer(tensor);
}

std::map<std::string, Buffer> part_of(const std::map<std::string, Buffer>& all, const std::string& prefix) {
  std::map<std::string, Buffer> part;
  for (const auto& [name, buffer] : all)
    if (name.starts_with(prefix)) part[name.substr(prefix.size())] = buffer;
  return part;
}

std::map<std::string, at::Tensor> tensors_of(const std::map<std::string, Buffer>& all, const std::string& prefix,
                                             const at::Device& device) {
  std::map<std::string, at::Tensor> tensors;
  for (const auto& [name, buffer] : part_of(all, prefix)) tensors[name] = to_tensor(buffer, device);
  return tensors;
}

std::map<std::string, at::Tensor> copies(const std::map<std::string, at::Tensor>& tensors) {
  std::map<std::string, at::Tensor> result;
  for (const auto& [name, tensor] : tensors) result[name] = tensor.detach().clone();
  return result;
}

}  // namespace

Trainer::Trainer(Model& model, const TrainingOptions& options, MaskSchedule* masks, StageContext& context)
    : model_(model),
      options_(options),
      masks_(masks),
      context_(context),
      network_(model, context.device()),
      loader_(context.training_data(), loader_options(options, context)),
      optimizer_(trained_parameters(network_, options), options.optimizer),
      graph_(context.device(), options.capture && !has_dropout(model.graph)),
      sums_(at::zeros({2}, at::TensorOptions(at::kDouble).device(context.device()))) {
  if (options.loss.needs_teacher()) teacher_.emplace(options.teacher, model.graph, context);
  steps_ = loader_.steps_per_epoch() * options.epochs;
  if (masks_ != nullptr) masks_->begin(steps_, loader_.steps_per_epoch());
  if (options.quantized.oscillation.needs_weights()) oscillation_.emplace(network_, options.quantized.oscillation);
  if (options.average > 0.0) average_ = copies(network_.state());
}

void Trainer::run() {
  const OwnStream stream(context_.device());
  resume();
  while (step_ < steps_) {
    train_step();
    if (step_ % 20 == 0 || step_ == steps_) report();
    measure_if_due();
    if (step_ < steps_ && context_.checkpoint_is_due()) save();
  }
  finish();
}

at::Tensor Trainer::loss_of(at::Tensor& logits) {
  const Autocast autocast(options_.precision == "bf16" && context_.device().is_cuda());
  const std::vector<std::string> layers =
      options_.loss.feature_weight > 0.0 ? options_.loss.feature_layers : std::vector<std::string>();
  Tensors wanted;
  Tensors found;
  at::Tensor teacher_logits;
  if (teacher_) teacher_logits = teacher_->logits(pixels_, options_.loss.temperature, layers, wanted);
  logits = network_.forward(pixels_, Mode::train, layers, found).to(at::kFloat);
  at::Tensor loss = training_loss(logits, targets_, teacher_logits, options_.loss);
  if (!layers.empty()) loss = loss + feature_loss(found, wanted, options_.loss);
  return loss;
}

void Trainer::take_batch() {
  const Batch batch = loader_.next();
  const at::Tensor pixels = pixels_of(batch.pixels, context_.training_data(), context_.device());
  const Targets targets = targets_of(batch, context_.device());
  if (!pixels_.defined() || !context_.device().is_cuda()) {
    pixels_ = pixels;
    targets_ = targets;
    return;
  }
  pixels_.copy_(pixels);
  targets_.labels.copy_(targets.labels);
  if (!targets.shares.defined()) return;
  targets_.other.copy_(targets.other);
  targets_.shares.copy_(targets.shares);
}

void Trainer::step_on_device() {
  at::Tensor logits;
  const at::Tensor loss = loss_of(logits);
  loss.backward();
  if (oscillation_) oscillation_->before_step();
  optimizer_.step();
  network_.constrain_scales();
  if (oscillation_) oscillation_->after_step();
  const torch::NoGradGuard no_grad;
  const at::Tensor correct = logits.detach().argmax(1).eq(targets_.labels).sum();
  sums_ += at::stack({loss.detach().to(at::kDouble), correct.to(at::kDouble)});
}

void Trainer::train_step() {
  if (masks_ != nullptr) masks_->before_step(step_, network_, optimizer_);
  take_batch();
  network_.set_dropout_seed(Hasher().number(context_.seed()).text(context_.stage_id()).number(step_).low64());
  optimizer_.set_lr(learning_rate(options_, step_, steps_, loader_.steps_per_epoch()));
  network_.set_norm_frozen(static_cast<double>(step_) >=
                           options_.quantized.freeze_norm_after * static_cast<double>(steps_));
  graph_.run(network_.step_state(), [this] { step_on_device(); });
  ++step_;
  if (options_.quantized.scales == "refit" && step_ % loader_.steps_per_epoch() == 0) refit_scales(network_);
  ++summed_steps_;
  update_average();
}

// Early on the average reaches back no further than a tenth of the steps so far, as TensorFlow's has it.
void Trainer::update_average() {
  if (average_.empty()) return;
  const torch::NoGradGuard no_grad;
  const auto steps = static_cast<double>(step_);
  const double decay = std::min(options_.average, (1.0 + steps) / (10.0 + steps));
  std::vector<at::Tensor> means;
  std::vector<at::Tensor> numbers;
  for (const auto& [name, tensor] : network_.state()) {
    if (name.ends_with(".mask")) {
      average_[name].copy_(tensor);
      continue;
    }
    means.push_back(average_[name]);
    numbers.push_back(tensor.detach());
  }
  at::_foreach_lerp_(means, numbers, 1.0 - decay);
}

Trainer::Tensors Trainer::exchange(const Tensors& numbers) {
  const torch::NoGradGuard no_grad;
  Tensors before = copies(network_.state());
  for (auto& [name, tensor] : network_.state()) {
    at::Tensor target = tensor;
    target.copy_(numbers.at(name));
  }
  return before;
}

// Only weights whose masks stay are candidates.
void Trainer::measure_if_due() {
  if (options_.best_every <= 0.0 || (masks_ != nullptr && step_ <= masks_->frozen_from())) return;
  const double each = options_.best_every * static_cast<double>(loader_.steps_per_epoch());
  const auto number = [&](int64_t step) { return std::floor(static_cast<double>(step) / each); };
  if (number(step_) == number(step_ - 1) && step_ != steps_) return;
  std::vector<int64_t> images = context_.held_back_indices();
  images.resize(static_cast<size_t>(options_.best_images));
  const Tensors plain = average_.empty() ? Tensors() : exchange(average_);
  const Evaluation result = evaluate(network_, context_.training_data(), images);
  const bool is_best = result.correct >= best_correct_;
  context_.log(fmt::format("step {}: {} of {} held-back images, loss {:.4f}{}", step_, result.correct, result.total,
                           result.loss, is_best ? ", the best so far" : ""));
  if (is_best) {
    best_ = copies(network_.state());
    best_correct_ = result.correct;
    best_step_ = step_;
  }
  if (!average_.empty()) exchange(plain);
}

void Trainer::report() {
  const auto steps = static_cast<double>(summed_steps_);
  const at::Tensor sums = sums_.to(at::kCPU);
  const double mean_loss = sums[0].item<double>() / steps;
  const double share = sums[1].item<double>() / (steps * static_cast<double>(options_.batch_size));
  require(std::isfinite(mean_loss), "{}: the loss became {} at step {}: lower lr", context_.stage_id(), mean_loss,
          step_);
  context_.progress("training", step_, steps_,
                    fmt::format("epoch {}/{}  loss {:.4f}  train {:.2f} %", (step_ - 1) / loader_.steps_per_epoch() + 1,
                                options_.epochs, mean_loss, 100.0 * share));
  sums_.zero_();
  summed_steps_ = 0;
}

// Running sums of the log line are not part of a checkpoint.
void Trainer::save() {
  std::map<std::string, Buffer> tensors;
  add_all(network_.state(), "net.", tensors);
  add_all(optimizer_.state(), "opt.", tensors);
  add_all(average_, "average.", tensors);
  add_all(best_, "best.", tensors);
  if (teacher_) add_all(teacher_->state(), "teacher.", tensors);
  if (oscillation_) add_all(oscillation_->state(), "oscillation.", tensors);
  context_.save_checkpoint(tensors_to_safetensors(tensors, {{"step", std::to_string(step_)},
                                                            {"best_step", std::to_string(best_step_)},
                                                            {"best_correct", std::to_string(best_correct_)}}));
}

void Trainer::resume() {
  const std::optional<std::string> bytes = context_.load_checkpoint();
  if (!bytes) return;
  std::map<std::string, std::string> metadata;
  const auto tensors = tensors_from_safetensors(*bytes, "checkpoint", &metadata);
  network_.load_state(part_of(tensors, "net."));
  optimizer_.load_state(tensors_of(tensors, "opt.", context_.device()));
  average_ = tensors_of(tensors, "average.", context_.device());
  best_ = tensors_of(tensors, "best.", context_.device());
  if (teacher_) teacher_->load_state(part_of(tensors, "teacher."));
  if (oscillation_) oscillation_->load_state(tensors_of(tensors, "oscillation.", context_.device()));
  step_ = std::stoll(metadata.at("step"));
  best_step_ = std::stoll(metadata.at("best_step"));
  best_correct_ = std::stoll(metadata.at("best_correct"));
  if (masks_ != nullptr) masks_->resume(step_, network_);
  loader_.seek(step_);
  context_.log(fmt::format("continues at step {} of {}", step_, steps_));
}

void Trainer::finish() {
  if (oscillation_ && !oscillation_->state().empty())
    context_.log(fmt::format("{} weights are frozen", oscillation_->frozen()));
  if (!best_.empty()) {
    exchange(best_);
    context_.log(fmt::format("takes the weights of step {}: {} of {} held-back images", best_step_, best_correct_,
                             options_.best_images));
  } else if (!average_.empty()) {
    exchange(average_);
  }
  network_.set_regrowth(false);
  network_.settle_masks();
  if (options_.norm_images > 0) {
    LoaderOptions plain = loader_options(options_, context_);
    plain.mixing = {};  // what the network will see is not mixed either
    Loader loader(context_.training_data(), plain);
    loader.seek(steps_);
    estimate_norm_statistics(network_, loader, options_.norm_images, context_);
  }
  network_.store(model_);
}

void estimate_norm_statistics(Network& network, Loader& loader, int64_t images, StageContext& context) {
  const torch::NoGradGuard no_grad;
  std::map<std::string, at::Tensor> statistics;
  for (const auto& [name, tensor] : network.state())
    if (name.ends_with(".running_mean") || name.ends_with(".running_var")) statistics[name] = tensor;
  std::map<std::string, at::Tensor> sums;
  int64_t batches = 0;
  for (int64_t seen = 0; seen < images; ++batches) {
    // One batch from zero statistics leaves kNormMomentum of its own in them.
    for (const auto& [name, tensor] : statistics) tensor.zero_();
    const Batch batch = loader.next();
    network.forward(pixels_of(batch.pixels, context.training_data(), context.device()), Mode::train);
    for (const auto& [name, tensor] : statistics) {
      const at::Tensor own = tensor.to(at::kDouble) / kNormMomentum;
      sums[name] = batches == 0 ? own : sums[name] + own;
    }
    seen += batch.size;
  }
  for (const auto& [name, tensor] : statistics) tensor.copy_(sums[name] / static_cast<double>(batches));
}

}  // namespace carat
