// SPDX-License-Identifier: Apache-2.0
// Gradient steps for all parameters at once, by LibTorch's fused kernels. State has names, for checkpoints.
#pragma once

#include <ATen/ATen.h>

#include <map>
#include <string>
#include <vector>

#include "models/net/network.h"

namespace carat {

struct OptimizerOptions {
  // sgd: v = momentum * v + g, w -= lr * v; nesterov: w -= lr * (g + momentum * v); g holds weight_decay * w.
  // adamw: Loshchilov, Hutter 2019, algorithm 2; momentum is beta1.
  std::string kind = "sgd";
  bool nesterov = false;
  double momentum = 0.9;
  double beta2 = 0.999;
  double weight_decay = 0.0;   // of parameters that decay: convolution and linear weights
  double scale_lr = 1.0;       // learning rate of learned scales and zero points, as a multiple
  double gradient_clip = 0.0;  // largest norm of all gradients together; 0: none
};

class Optimizer {
 public:
  Optimizer(std::vector<Parameter> parameters, OptimizerOptions options);

  // Learning rate of the next steps.
  void set_lr(double lr);

  // One step along the gradients; parameters without a gradient stay. Then the gradients are dropped. Reads nothing
  // back from a GPU.
  void step();

  // Moments start from zero where a mask (of the parameter's shape, 1 = kept) has pruned weights.
  void apply_mask(const std::string& parameter, const at::Tensor& mask);

  // NAME.momentum, or NAME.first, NAME.second and the count of steps.
  std::map<std::string, at::Tensor> state() const;
  void load_state(const std::map<std::string, at::Tensor>& state);

 private:
  struct Group {
    std::vector<size_t> members;
    double weight_decay = 0.0;
    double lr = 1.0;  // a multiple
    at::Tensor rate;  // {}: float64 on the CPU, float32 on a GPU, as LibTorch's kernels take it
  };
  void clip();
  void step_group(const Group& group);

  std::vector<Parameter> parameters_;
  OptimizerOptions options_;
  std::vector<Group> groups_;
  std::vector<at::Tensor> first_, second_, steps_;
};

}  // namespace carat
