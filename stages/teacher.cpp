// SPDX-License-Identifier: Apache-2.0
#include "stages/teacher.h"

#include <torch/torch.h>

#include <cmath>
#include <filesystem>

#include "base/fail.h"
#include "base/file.h"
#include "base/hash.h"
#include "models/file/data_root.h"
#include "models/file/model_file.h"
#include "models/file/weights_at_hand.h"
#include "models/zoo/zoo.h"

namespace carat {
namespace {

constexpr const char* kDense = "dense";

struct TeacherFile {
  std::string path;
  std::string network;  // of the zoo; "": the file tells
};

TeacherFile file_of(const std::string& name, const std::string& where) {
  if (const ZooVariant* variant = zoo_variant(name)) {
    const std::optional<std::string> file = weights_at_hand(*variant);
    require(file.has_value(), "{}: {}: expected its weights in {}, found none", where, name,
            variant->weights_file.empty() ? "a known file" : weights_path(*variant));
    return {*file, name};
  }
  const std::string path = below_data_root(name, where);
  require(std::filesystem::is_regular_file(path), "{}: {}: expected dense, a network of the zoo or a file, found none",
          where, path);
  return {path, ""};
}

void require_fit(const std::string& where, const std::string& name, const ModelGraph& teacher,
                 const ModelGraph& student) {
  require(teacher.classes() == student.classes() && teacher.input().input_shape == student.input().input_shape,
          "{}: {}: expected {} classes of {} images as the student's, found {} of {}", where, name, student.classes(),
          to_text(student.input().input_shape), teacher.classes(), to_text(teacher.input().input_shape));
}

Model read_teacher(const std::string& name, const std::string& where) {
  const TeacherFile file = file_of(name, where);
  return read_any_model(file.path, file.network);
}

}  // namespace

void TeacherOptions::describe(OptionTable& table) {
  table.texts(
      "teachers", teachers,
      "dense (the network before compression), networks of the zoo, files ($CARAT_DATA/ is the data root); several: "
      "their mean");
  table.choice("teacher_mode", mode, {"evaluate", "train"},
               "train: teachers take the batch's statistics in batch norm, as the 2019 winners' did");
}

void TeacherOptions::check(const std::string& where, const ModelGraph& student) const {
  require(!teachers.empty(), "{}: expected at least one, got none", where);
  for (const std::string& name : teachers)
    if (name != kDense) require_fit(where, name, read_teacher(name, where).graph, student);
}

std::string TeacherOptions::identity() const {
  Hasher hasher;
  bool has_files = false;
  for (const std::string& name : teachers) {
    if (name == kDense) continue;
    hasher.text(read_text(file_of(name, "teachers").path));
    has_files = true;
  }
  return has_files ? hasher.hex() : "";
}

Teacher::Teacher(const TeacherOptions& options, const ModelGraph& student, StageContext& context)
    : mode_(options.mode == "train" ? Mode::train : Mode::evaluate) {
  const std::string where = "teachers";
  require(!options.teachers.empty(), "{}: expected at least one, got none", where);
  for (const std::string& name : options.teachers) {
    const Model model = name == kDense ? context.dense_model() : read_teacher(name, where);
    require_fit(where, name, model.graph, student);
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
