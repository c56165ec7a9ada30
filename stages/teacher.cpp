// SPDX-License-Identifier: Apache-2.0
#include "stages/teacher.h"

#include <torch/torch.h>

#include <cmath>

#include "base/fail.h"
#include "models/file/model_file.h"
#include "models/file/weights_at_hand.h"
#include "models/zoo/zoo.h"

namespace carat {
namespace {

Model teacher_model(const std::string& name, StageContext& context) {
  if (name == "dense") return context.dense_model();
  if (const ZooVariant* variant = zoo_variant(name)) {
    const std::optional<std::string> file = weights_at_hand(*variant);
    require(file.has_value(), "teachers: {}: expected its weights in {}, found none", name,
            variant->weights_file.empty() ? "a known file" : weights_path(*variant));
    return read_any_model(*file, name);
  }
  return read_any_model(name, "");
}

}  // namespace

void TeacherOptions::describe(OptionTable& table) {
  table.texts("teachers", teachers,
              "dense (the network before compression), networks of the zoo, files; several: their mean");
  table.choice("teacher_mode", mode, {"evaluate", "train"},
               "train: teachers take the batch's statistics in batch norm, as the 2019 winners' did");
}

Teacher::Teacher(const TeacherOptions& options, const ModelGraph& student, StageContext& context)
    : mode_(options.mode == "train" ? Mode::train : Mode::evaluate) {
  require(!options.teachers.empty(), "teachers: expected at least one, got none");
  for (const std::string& name : options.teachers) {
    const Model model = teacher_model(name, context);
    require(
        model.graph.classes() == student.classes() && model.graph.input().input_shape == student.input().input_shape,
        "teachers: {}: expected {} classes of {} images as the student's, found {} of {}", name, student.classes(),
        to_text(student.input().input_shape), model.graph.classes(), to_text(model.graph.input().input_shape));
    networks_.emplace_back(model, context.device());
  }
}

at::Tensor Teacher::logits(const at::Tensor& pixels, double temperature, const std::vector<std::string>& layers,
                           std::map<std::string, at::Tensor>& features) {
  const torch::NoGradGuard no_grad;
  at::Tensor logits = networks_.front().forward(pixels, mode_, layers, features);
  if (networks_.size() == 1) return logits;
  std::vector<at::Tensor> shares = {at::log_softmax(logits / temperature, 1)};
  for (size_t i = 1; i < networks_.size(); ++i)
    shares.push_back(at::log_softmax(networks_[i].forward(pixels, mode_) / temperature, 1));
  return (at::stack(shares).logsumexp(0) - std::log(static_cast<double>(shares.size()))) * temperature;
}

std::map<std::string, at::Tensor> Teacher::state() const {
  std::map<std::string, at::Tensor> state;
  if (mode_ != Mode::train) return state;
  for (size_t i = 0; i < networks_.size(); ++i)
    for (const auto& [name, tensor] : networks_[i].state())
      if (name.ends_with(".running_mean") || name.ends_with(".running_var"))
        state[std::to_string(i) + "." + name] = tensor;
  return state;
}

void Teacher::load_state(const std::map<std::string, Buffer>& state) {
  const torch::NoGradGuard no_grad;
  for (auto& [name, tensor] : this->state()) {
    const auto found = state.find(name);
    require(found != state.end(), "checkpoint: no teacher statistics {}", name);
    at::Tensor target = tensor;
    target.copy_(to_tensor(found->second, target.device()));
  }
}

}  // namespace carat
