// SPDX-License-Identifier: Apache-2.0
// The networks that a student follows.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/options.h"
#include "models/net/network.h"
#include "stages/context.h"

namespace carat {

struct TeacherOptions {
  std::vector<std::string> teachers = {"dense"};
  std::string mode = "evaluate";

  void describe(OptionTable& table);
  // Reads every file that is named. Throws Error when one is missing, is no model, or has other classes or images than
  // the student. where: names the option in messages.
  void check(const std::string& where, const ModelGraph& student) const;
  // Hash of those files' bytes, for the store key; "" without any.
  std::string identity() const;
};

class Teacher {
 public:
  // "dense": the network before any compression; a network of the zoo with weights at hand; a file, $CARAT_DATA/ in
  // front is the data root. Throws Error as TeacherOptions::check does.
  Teacher(const TeacherOptions& options, const ModelGraph& student, StageContext& context);

  // {N, classes} whose softmax at `temperature` is the mean of the teachers' softmaxes at it; of one teacher its own
  // logits. features: results of the named layers of the first teacher. In training mode batch norm takes the batch's
  // statistics and moves its own.
  at::Tensor logits(const at::Tensor& pixels, double temperature, const std::vector<std::string>& layers,
                    std::map<std::string, at::Tensor>& features);

  // Batch-norm statistics of teachers in training mode, for checkpoints.
  std::map<std::string, at::Tensor> state() const;
  void load_state(const std::map<std::string, Buffer>& state);

 private:
  std::vector<Network> networks_;
  Mode mode_;
};

}  // namespace carat
